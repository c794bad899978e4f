import mammoth from "mammoth";
import { InputError } from "../../base/errors.ts";
import { parseFragment } from "./html.ts";
import type { Parsed } from "./parser.ts";
import { checkZip } from "./zip.ts";

/** A document of so many bytes without compression holds more text than a corpus wants of one file. */
const maxUncompressedBytes = 256 * 2 ** 20;

/** The text of a Word document (.docx); a first heading of level 1 (or the style Title) is its title. */
export async function parseDocx(bytes: Uint8Array): Promise<Parsed> {
  if (bytes[0] === 0xd0 && bytes[1] === 0xcf && bytes[2] === 0x11 && bytes[3] === 0xe0)
    throw new InputError("encrypted, or in the old .doc format; save it as .docx without a password");
  checkZip(bytes, maxUncompressedBytes);
  const { value } = await mammoth.convertToHtml(
    { buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) },
    { convertImage: mammoth.images.imgElement(async () => ({ src: "" })), externalFileAccess: false },
  );
  return parseFragment(value);
}
