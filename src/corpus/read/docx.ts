import mammoth from "mammoth";
import { InputError } from "../../base/errors.ts";
import { parseFragment } from "./html.ts";
import type { Parsed } from "./parser.ts";
import { checkZip } from "./zip.ts";

/** The text of a Word document (.docx); a first heading of level 1 (or the style Title) is its title. */
export async function parseDocx(bytes: Uint8Array, maxUnpackedBytes: number): Promise<Parsed> {
  if (bytes[0] === 0xd0 && bytes[1] === 0xcf && bytes[2] === 0x11 && bytes[3] === 0xe0)
    throw new InputError("encrypted, or in the old .doc format; save it as .docx without a password");
  checkZip(bytes, maxUnpackedBytes);
  const { value } = await mammoth.convertToHtml(
    { buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) },
    { convertImage: mammoth.images.imgElement(async () => ({ src: "" })), externalFileAccess: false },
  );
  return parseFragment(value);
}
