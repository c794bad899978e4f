import { crc32, deflateRawSync, deflateSync } from "node:zlib";

/** Files made by hand for tests: zip archives, Word documents and PDFs, whole or with a fault. */

/** An entry of an archive; `declaredSize` is what its header claims. */
export interface ZipEntry {
  name: string;
  data: string | Uint8Array;
  declaredSize?: number;
}

/** A zip archive, compressed or stored. */
export function makeZip(entries: readonly ZipEntry[], { compress = false } = {}): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, declaredSize } of entries) {
    const content = Buffer.from(data);
    const stored = compress ? deflateRawSync(content) : content;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(compress ? 8 : 0, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(stored.length, 14);
    common.writeUInt32LE(declaredSize ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), stored]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([20, 0]);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), madeBy, common, tail]));
    directory.push(Buffer.from(name));
    bodies.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, list, Buffer.from("PK\x05\x06", "latin1"), end]);
}

const xml = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`;
const office = "http://schemas.openxmlformats.org";

/** A Word document of paragraphs; the first may be a heading. `extra` goes into the archive as it is. */
export function makeDocx(
  { heading, paragraphs }: { heading?: string; paragraphs: readonly string[] },
  { extra = [], compress = false }: { extra?: readonly ZipEntry[]; compress?: boolean } = {},
): Buffer {
  const paragraph = (text: string, style = "") => `<w:p>${style}<w:r><w:t>${text}</w:t></w:r></w:p>`;
  const title = heading ? paragraph(heading, `<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>`) : "";
  const body = title + paragraphs.map((text) => paragraph(text)).join("");
  const entries = [
    {
      name: "[Content_Types].xml",
      data: `${xml}<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    },
    {
      name: "_rels/.rels",
      data: `${xml}<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="r1" Type="${office}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
    },
    {
      name: "word/document.xml",
      data: `${xml}<w:document xmlns:w="${office}/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`,
    },
    {
      name: "word/styles.xml",
      data: `${xml}<w:styles xmlns:w="${office}/wordprocessingml/2006/main"><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>`,
    },
  ];
  return makeZip([...entries, ...extra], { compress });
}

interface PdfOptions {
  title?: string;
  /** It asks for a password that nobody has. */
  isEncrypted?: boolean;
  /** The stream of the first page instead of its lines. */
  content?: Buffer;
}

/** A PDF whose pages are lines of text. */
export function makePdf(
  pages: readonly (readonly string[])[],
  { title, isEncrypted, content }: PdfOptions = {},
): Buffer {
  const kids = pages.map((_, i) => `${5 + 2 * i} 0 R`).join(" ");
  const objects: (string | Buffer)[] = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    title === undefined ? "<< >>" : `<< /Title (${title}) >>`,
  ];
  for (const [i, lines] of pages.entries()) {
    const drawn = lines.map((line) => `(${line.replace(/[()\\]/g, "\\$&")}) Tj T*`).join("\n");
    const stream = deflateSync(
      (i === 0 && content) || Buffer.from(`BT /F1 12 Tf 14 TL 50 750 Td\n${drawn}\nET`),
    );
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${6 + 2 * i} 0 R >>`,
      Buffer.concat([
        Buffer.from(`<< /Length ${stream.length} /Filter /FlateDecode >>\nstream\n`),
        stream,
        Buffer.from("\nendstream"),
      ]),
    );
  }
  const key = "00".repeat(32);
  const security = isEncrypted
    ? `/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${key}> /U <${key}> >> /ID [<00> <00>]`
    : "";
  return assemble(objects, `/Root 1 0 R /Info 4 0 R ${security}`);
}

function assemble(objects: readonly (string | Buffer)[], trailer: string): Buffer {
  const parts = [Buffer.from("%PDF-1.4\n")];
  const offsets: number[] = [];
  let length = parts[0]?.length ?? 0;
  for (const [i, body] of objects.entries()) {
    const object = Buffer.concat([
      Buffer.from(`${i + 1} 0 obj\n`),
      Buffer.from(body),
      Buffer.from("\nendobj\n"),
    ]);
    offsets.push(length);
    length += object.length;
    parts.push(object);
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  parts.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n` +
        `<< /Size ${objects.length + 1} ${trailer} >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}
