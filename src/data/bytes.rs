//! A file's bytes, plain or gzip, read forward with the place kept for messages.
//!
//! **Invariant**: no more memory is asked for than the file can hold: its length, or for gzip 1,032 times its length,
//! the most that deflate can express (RFC 1951: 258 bytes in 2 bits).

use super::error::{DataError, DataProblem, Result, Where};
use super::place::Located;
use std::fs::File;
use std::io::{BufReader, Read, Seek};

/// Bytes that are read at once; memory grows by as much as has really come.
const CHUNK: u64 = 1 << 20;
/// Output bytes for one input byte, at most (RFC 1951).
const DEFLATE_RATIO: u64 = 1032;

/// A stream of bytes with its place.
pub struct Bytes<'a> {
    path: String,
    inner: Box<dyn Read + 'a>,
    at: u64,
    most: u64,
    /// Whether `most` is the exact length.
    plain: bool,
}

impl<'a> Bytes<'a> {
    /// Opens a file; that it is gzip is seen by its first two bytes, not by its name.
    pub fn open(file: &Located) -> Result<Bytes<'static>> {
        let io = |e| DataError::io(&file.shown, "a file that can be read", &e);
        let mut handle = File::open(&file.full).map_err(io)?;
        let meta = handle.metadata().map_err(io)?;
        if !meta.is_file() {
            return Err(DataError::new(DataProblem::Damaged, &file.shown, "a file", "a folder"));
        }
        let mut magic = Vec::with_capacity(2);
        (&mut handle).take(2).read_to_end(&mut magic).map_err(io)?;
        handle.rewind().map_err(io)?;
        let reader = BufReader::with_capacity(1 << 16, handle);
        let (path, at, len) = (file.shown.clone(), 0, meta.len());
        if magic == [0x1f, 0x8b] {
            let inner = Box::new(flate2::read::MultiGzDecoder::new(reader));
            return Ok(Bytes { path, inner, at, most: len.saturating_mul(DEFLATE_RATIO), plain: false });
        }
        Ok(Bytes { path, inner: Box::new(reader), at, most: len, plain: true })
    }

    /// Bytes from a reader that gives at most `most`.
    pub fn from_reader(path: &str, reader: impl Read + 'a, most: u64, exact: bool) -> Bytes<'a> {
        Bytes { path: path.to_string(), inner: Box::new(reader), at: 0, most, plain: exact }
    }

    /// The path for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A finding at the present place.
    pub fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        DataError::new(DataProblem::Damaged, &self.path, expected, found).at(Where::Byte(self.at))
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let bytes = self.take(N as u64, what)?;
        Ok(bytes.try_into().expect("take gives as many bytes as asked for"))
    }

    /// Checks that `count` more bytes can come, before anybody makes room for them.
    pub fn promise(&self, count: Option<u64>, what: &str) -> Result<u64> {
        let rest = self.most.saturating_sub(self.at);
        let held = if self.plain { "holds" } else { "can hold at most" };
        match count {
            Some(count) if count <= rest => Ok(count),
            Some(count) => {
                Err(self.error(format!("{count} bytes of {what}"), format!("that the file {held} {rest} more")))
            }
            None => Err(self.error(format!("a number of {what} below 2^64"), "a product of sizes beyond it")),
        }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: u64, what: &str) -> Result<Vec<u8>> {
        self.promise(Some(count), what)?;
        let mut bytes = Vec::with_capacity(count.min(CHUNK) as usize);
        while (bytes.len() as u64) < count {
            let want = (count - bytes.len() as u64).min(CHUNK);
            let got = (&mut self.inner).take(want).read_to_end(&mut bytes);
            let got = got.map_err(|e| self.error(format!("{count} bytes of {what}"), e.to_string()))? as u64;
            self.at += got;
            if got < want {
                return Err(self.error(format!("{count} bytes of {what}"), format!("the end after {}", bytes.len())));
            }
        }
        Ok(bytes)
    }

    /// All that is left, at most `most` bytes.
    pub fn rest(&mut self, most: u64, what: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let got = (&mut self.inner).take(most + 1).read_to_end(&mut bytes);
        let got = got.map_err(|e| self.error(what, e.to_string()))? as u64;
        self.at += got;
        if got > most {
            return Err(self.error(format!("at most {most} bytes of {what}"), "more"));
        }
        Ok(bytes)
    }

    /// Nothing may follow; this also makes gzip compare its checksum.
    pub fn end(&mut self, what: &str) -> Result<()> {
        let mut more = [0];
        match self.inner.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.error(format!("the end after {what}"), "more bytes")),
            Err(e) => Err(self.error(format!("the end after {what}"), e.to_string())),
        }
    }
}

/// For formats that are read line by line; they cannot ask for more than comes.
impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.at += got as u64;
        Ok(got)
    }
}
