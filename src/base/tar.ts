/** A file of an archive. */
export interface TarEntry {
  /** At most 100 bytes. */
  name: string;
  bytes: Uint8Array;
}

const blockBytes = 512;

/** An uncompressed archive (POSIX ustar, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html). */
export function createTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap(({ name, bytes }) => [
    header(name, bytes.length),
    bytes,
    padding(bytes.length),
  ]);
  return Buffer.concat([...blocks, new Uint8Array(2 * blockBytes)]);
}

function padding(length: number): Uint8Array {
  return new Uint8Array((blockBytes - (length % blockBytes)) % blockBytes);
}

/** Fields by offset and length; numbers are octal. The checksum counts itself as spaces. */
function header(name: string, size: number): Uint8Array {
  if (Buffer.byteLength(name) > 100) throw new Error(`internal: the archive's name ${name} is too long`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
