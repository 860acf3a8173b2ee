/** What `files.file_type` says of a file, by its extension alone, as the former system did. */
export type FileType = 'photos' | 'videos' | 'music' | 'documents' | 'archives' | 'disk_images' | 'other';

const EXTENSIONS: Record<Exclude<FileType, 'other'>, string> = {
  photos:
    'jpg jpeg jpe jfif png gif bmp tif tiff webp heic heif avif jxl svg ico psd psb xcf raw cr2 cr3 crw nef nrw arw sr2 srf ' +
    'dng orf rw2 raf pef srw x3f 3fr fff iiq mos mrw kdc dcr erf rwl jp2 j2k jpx',
  videos:
    'mp4 m4v mkv webm avi mov qt wmv flv f4v mpg mpeg mpe m2v m1v mp2v vob ogv ogm 3gp 3g2 ts m2ts mts mxf rm rmvb asf divx ' +
    'dv y4m hevc h264 h265 av1',
  music:
    'mp3 flac wav wave aac m4a m4b m4p ogg oga opus wma aif aiff aifc alac ape wv mka mid midi amr au dsf dff mpc tta ra ac3 ' +
    'eac3 dts caf spx',
  documents:
    'pdf doc docx docm dot dotx odt ott rtf txt md markdown rst tex xls xlsx xlsm xlsb xlt ods csv tsv ppt pptx pptm pps ppsx ' +
    'odp odg epub mobi azw azw3 fb2 djvu ps eps xps oxps pages numbers key html htm xhtml xml json yaml yml log msg eml ' +
    'vsd vsdx one pub wpd wps ini cfg conf',
  archives:
    'zip zipx rar 7z tar gz tgz bz2 tbz tbz2 xz txz zst tzst lz lz4 lzma lzo z cab arj lzh lha ace cpio rpm deb apk jar war ' +
    'ear pkg xar sit sitx par par2 bak br',
  disk_images:
    'iso img dmg vmdk vdi vhd vhdx qcow qcow2 qed ova ovf bin cue nrg mdf mds ccd cdr toast wim esd swm vfd hdd ima sparseimage ' +
    'sparsebundle e01 aff',
};

const TYPE_OF = new Map<string, FileType>(
  Object.entries(EXTENSIONS).flatMap(([type, list]) =>
    list.split(' ').map((extension): [string, FileType] => [`.${extension}`, type as FileType]),
  ),
);

/** Characters of an extension that one number tells apart from all others. */
const KEY_CHARS_MAX = 7;

/** What tells an ASCII extension from all others, whatever its case. Makes no string of a usual one. */
export function extensionKey(bytes: Buffer, at: number, length: number): number | string {
  if (length > KEY_CHARS_MAX) return bytes.toString('latin1', at, at + length).toLowerCase();
  let key = 0;
  for (let i = at; i < at + length; i += 1) {
    const byte = bytes[i] ?? 0;
    key = key * 128 + (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  }
  return key;
}

/** Lower-case with its dot; `''` where there is none: `.bashrc`, `name.`. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 || dot === name.length - 1 ? '' : name.slice(dot).toLowerCase();
}

/** @param extension as `extensionOf` gives it */
export function fileTypeOf(extension: string): FileType {
  return TYPE_OF.get(extension) ?? 'other';
}
