import { inflateRawSync } from "node:zlib";
import { InputError, messageOf, systemCode } from "../../base/errors.ts";

const endSignature = Buffer.from("PK\x05\x06", "latin1");
const zip64LocatorSignature = 0x07064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;

interface Entry {
  isEncrypted: boolean;
  isDeflated: boolean;
  compressed: number;
  uncompressed: number;
  localOffset: number;
}

/**
 * Refuses archives whose entries are together larger than `maxBytes` uncompressed, by what they declare and by what they
 * really decompress to. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function checkZip(bytes: Uint8Array, maxBytes: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tooLarge = new InputError(`too large: it decompresses to more than ${maxBytes} bytes`);
  const entries = readEntries(buffer);
  const declared = entries.reduce((sum, { uncompressed }) => sum + uncompressed, 0);
  if (declared > maxBytes) throw tooLarge;
  let left = maxBytes;
  for (const entry of entries) {
    if (entry.isEncrypted) throw new InputError("encrypted: save it without a password");
    const data = dataOf(buffer, entry);
    if (!entry.isDeflated) {
      left -= data.length;
      if (left < 0) throw tooLarge;
      continue;
    }
    try {
      left -= inflateRawSync(data, { maxOutputLength: Math.max(1, left) }).length;
    } catch (error) {
      if (systemCode(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge;
      throw new InputError(`malformed archive: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** The central directory: as long as its signatures go on, as unpackers read it, whatever count is declared. */
function readEntries(buffer: Buffer): Entry[] {
  const end = buffer.lastIndexOf(endSignature);
  if (end < 0 || end + 22 > buffer.length) throw new InputError("malformed archive: it has no directory");
  if (isZip64(buffer, end))
    throw new InputError("ZIP64, a form for archives above 4 GB: save it as an ordinary one");
  const entries: Entry[] = [];
  let at = buffer.readUInt32LE(end + 16);
  // Unpackers shift all offsets where directory and end do not meet: then another directory is read than this one.
  if (at + buffer.readUInt32LE(end + 12) !== end)
    throw new InputError("malformed archive: its directory does not lie before its end");
  while (at + 46 <= buffer.length && buffer.readUInt32LE(at) === entrySignature) {
    const entry = {
      isEncrypted: (buffer.readUInt16LE(at + 8) & 1) !== 0,
      isDeflated: buffer.readUInt16LE(at + 10) !== 0,
      compressed: buffer.readUInt32LE(at + 20),
      uncompressed: buffer.readUInt32LE(at + 24),
      localOffset: buffer.readUInt32LE(at + 42),
    };
    entries.push(entry);
    at += 46 + buffer.readUInt16LE(at + 28) + buffer.readUInt16LE(at + 30) + buffer.readUInt16LE(at + 32);
  }
  if (!entries.length) throw new InputError("malformed archive: its directory is empty");
  if (at !== end) throw new InputError("malformed archive: its directory does not end where it says");
  return entries;
}

/** Whether unpackers would look for another directory than the one that the end record names. */
function isZip64(buffer: Buffer, end: number): boolean {
  const short = [4, 6, 8, 10].some((at) => buffer.readUInt16LE(end + at) === 0xffff);
  const long = [12, 16].some((at) => buffer.readUInt32LE(end + at) === 0xffffffff);
  return short || long || (end >= 20 && buffer.readUInt32LE(end - 20) === zip64LocatorSignature);
}

function dataOf(buffer: Buffer, { compressed, localOffset }: Entry): Buffer {
  const isInside = localOffset + 30 <= buffer.length && buffer.readUInt32LE(localOffset) === localSignature;
  const start = isInside
    ? localOffset + 30 + buffer.readUInt16LE(localOffset + 26) + buffer.readUInt16LE(localOffset + 28)
    : Number.POSITIVE_INFINITY;
  if (start + compressed > buffer.length)
    throw new InputError("malformed archive: an entry lies outside of it");
  return buffer.subarray(start, start + compressed);
}
