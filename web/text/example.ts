/** Three short articles about things that do not exist, so that the model can know them only from here. */
const articles: Record<string, string> = {
  "Velm Lighthouse.txt": `Velm Lighthouse stands on the northern reef of the island of Ostry. It was built in 1874 by the engineer Ada
Korvin, who also drew the harbour wall of Ostry. The tower is 41 metres tall and painted in green and white. Its lamp
burned whale oil until 1922, when the keeper Jonas Pell replaced it with an electric light. Velm Lighthouse has been a
museum since 1991, and its last keeper was Mirra Pell.`,
  "Ada Korvin.txt": `Ada Korvin was an engineer, born in the town of Lindmoor in 1839. She studied at the Academy of Trest and built
Velm Lighthouse on the island of Ostry. Her book "Stone against Water" was printed in 1881. Ada Korvin died in Trest in
1902, and the bridge over the river Sava in Lindmoor is named after her.`,
  "Ostry.txt": `Ostry is an island in the Gulf of Harn with 2300 inhabitants. Its capital is Port Selby. The island is known for
its blue salt, which is gathered in the lagoon of Merle each August. The mayor of Port Selby is Tomas Reeve, a former
fisherman. A ferry named Heron connects Ostry with the mainland town of Trest in two hours.`,
};

/** Whether a collection holds the example, by the titles of its documents. */
export function holdsExample(titles: readonly string[]): boolean {
  return Object.keys(articles).every((name) => titles.includes(name.replace(".txt", "")));
}

/** The example as files to upload. */
export function exampleFiles(): File[] {
  return Object.entries(articles).map(
    ([name, text]) => new File([text.replaceAll("\n", " ")], name, { type: "text/plain" }),
  );
}

/** Questions that the example answers. */
export const exampleQuestions = [
  "Who built Velm Lighthouse?",
  "When was Velm Lighthouse built?",
  "What is the capital of Ostry?",
] as const;
