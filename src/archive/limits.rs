//! How much an archive may ask for.

/// Bounds that no archive may pass; the default leaves room for the largest real sources.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Number of entries. The largest kernel and compiler sources have some 200,000.
    pub entries: u64,
    /// Bytes of all files together.
    pub total_size: u64,
    /// Folders above a file.
    pub depth: usize,
    /// Bytes of a PAX or GNU extension header, which is read into memory.
    pub extension_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 2_000_000, total_size: 64 << 30, depth: 128, extension_size: 1 << 20 }
    }
}
