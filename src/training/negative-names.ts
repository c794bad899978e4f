/**
 * Names that stand in for a passage's entity in negatives. Invented or common, of many kinds, so that none belongs to a
 * particular corpus: an adapter depends on its passage alone, not on what else is ingested.
 */
export const negativeNames: readonly string[] = [
  ...[
    "Harald Venn",
    "Imke Solberg",
    "Tomas Areval",
    "Oriane Delmas",
    "Pieter Kroll",
    "Salma Idrissi",
    "Noor Hadley",
  ],
  ...[
    "Captain Brusk",
    "Edda Marlowe",
    "Viktor Asten",
    "Lucia Ferrant",
    "Yusuf Carrow",
    "Greta Olund",
    "Bram Tiller",
  ],
  ...[
    "Port Calder",
    "Ashgrove",
    "Lower Tindale",
    "Marrow Bay",
    "Kestrel Hill",
    "Eastmere",
    "Varnholt",
    "Saint Odra",
  ],
  ...["Lake Perrin", "the River Tamsel", "Mount Hask", "the Isle of Corran", "the Dray Valley", "Cape Lorne"],
  ...["the Orran Bridge", "the Tolling Tower", "Fenwick Hall", "the Aldous Canal", "Quayside Lighthouse"],
  ...["Norrell and Sons", "the Pavane Company", "Hexley Foundry", "Ostler Shipping", "the Meridian Bank"],
  ...[
    "the Dunmore Institute",
    "Wexcombe College",
    "the Society of Dyers",
    "Tarn Observatory",
    "the Ivory Guild",
  ],
  ...["The Glass Orchard", "A Winter in Sarn", "The Ninth Ferry", "Songs of the Mill", "The Paper Crown"],
  ...["Night over Galen", "The Tinker's Wife", "Portrait in Umber", "The Long Causeway", "Hare and Lantern"],
  ...["the Festival of Kites", "the Brindle Cup", "the Treaty of Loam", "the Great Fair of Astley"],
  ...["the Carrick Prize", "the Battle of Sedge", "the Flood of Morven", "the Hollin Games"],
  ...["the grey marten", "the bell lute", "the Tarrin loaf", "the copper fern", "the Wenlock hound"],
];
