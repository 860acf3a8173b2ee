/** What is known beside the journal. All of it can be missing: then the journal alone speaks. */
export interface LiveContext {
  /** Whether a living process holds the data directory for this scan. */
  locked: boolean;
  /** The boot this is asked in, and when it began; null: not known or not asked for. */
  boot: { id: string; atMs: number } | null;
  /** Why nothing can be written to the data directory now; null: it can, or nobody looked. */
  unwritable: { code: 'disk.full' | 'data-dir.unwritable'; detail: string } | null;
  /** Whether the catalog holds what the journal says; null: not looked at. */
  catalog: CatalogView | null;
}

export interface CatalogView {
  state: 'agrees' | 'behind' | 'mismatch' | 'locked' | 'unreadable' | 'missing';
  detail: string;
}
