/** One field of a message: its number, and a number (varint or float) or bytes. */
export interface Field {
  field: number;
  value: bigint | number | Uint8Array;
}

/** Reads the fields of a message, for tests of what is written. https://protobuf.dev/programming-guides/encoding/ */
export function readFields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let [value, shift] = [0n, 0n];
    while (true) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the message ends within a number");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7n;
    }
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const tag = Number(varint());
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) fields.push({ field, value: varint() });
    else if (wireType === 5) {
      fields.push({ field, value: view.getFloat32(at, true) });
      at += 4;
    } else if (wireType === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error("the message ends within a field");
      fields.push({ field, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${wireType}`);
  }
  return fields;
}

/** The messages or strings under a field number. */
export function bytesOf(message: Uint8Array, field: number): Uint8Array[] {
  return readFields(message).flatMap((one) =>
    one.field === field && one.value instanceof Uint8Array ? [one.value] : [],
  );
}

export function textsOf(message: Uint8Array, field: number): string[] {
  return bytesOf(message, field).map((bytes) => new TextDecoder().decode(bytes));
}

export function numbersOf(message: Uint8Array, field: number): number[] {
  return readFields(message).flatMap((one) =>
    one.field === field && !(one.value instanceof Uint8Array) ? [Number(one.value)] : [],
  );
}
