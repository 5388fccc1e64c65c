// A picture made on the spot, and the size of a picture that came back.

import zlib from "node:zlib";

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(zlib.crc32(body));
    return Buffer.concat([length, body, sum]);
}

/** A PNG with a gradient, so that it does not compress to nothing. */
export function png(width, height) {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 2, 0, 0, 0], 8); // 8 bits, true colour, no interlace
    const rows = Buffer.alloc(height * (1 + 3 * width)); // each row begins with its filter type, 0
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            rows.set([(x * 255) / width, (y * 255) / height, (x * y) & 255], y * (1 + 3 * width) + 1 + 3 * x);
        }
    }
    return Buffer.concat([
        Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
        chunk("IHDR", header),
        chunk("IDAT", zlib.deflateSync(rows)),
        chunk("IEND", Buffer.alloc(0)),
    ]);
}

/** Width and height of a PNG or JPEG; null for anything else. */
export function sizeOf(image) {
    if (image.subarray(1, 4).toString("latin1") === "PNG") {
        return { width: image.readUInt32BE(16), height: image.readUInt32BE(20) };
    }
    if (image.readUInt16BE(0) !== 0xffd8) {
        return null;
    }
    for (let at = 2; at + 9 < image.length; at += 2 + image.readUInt16BE(at + 2)) {
        const marker = image[at + 1];
        const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
        if (isFrame) {
            return { width: image.readUInt16BE(at + 7), height: image.readUInt16BE(at + 5) };
        }
    }
    return null;
}
