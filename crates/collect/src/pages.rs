//! The pages of one column of a Parquet file, inflated within limits.
//!
//! The `parquet` crate can do this too, but inflates gzip pages to whatever size they have, and trusts the lengths in pages.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use crate::blob::Limits;
use crate::files::Handle;
use crate::thrift;

/// Headers are some 50 bytes, but may hold the lowest and highest value.
const HEADER_BYTES: u64 = 4 << 10;
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Inflated bytes of a page for which the ratio is not looked at. Pages are 1 MiB by custom, and there is one a column.
const PAGE_BYTES_FREE: u64 = 2 << 20;
/// Values of a page whose lengths are all unpacked at once. Pages of 20,000 are the custom.
const DELTA_VALUES_MAX: u64 = 1 << 20;
/// The least that a value takes in a dictionary.
const DICTIONARY_VALUE_BYTES: usize = 4;

/// A file that several columns read by turns.
pub(crate) type Shared = Arc<Mutex<Box<dyn Handle>>>;

/// A column's part of a row group.
pub(crate) struct Pages {
    pub(crate) file: Shared,
    pub(crate) codec: Compression,
    /// The next byte, and the first that is of another column.
    pub(crate) span: std::ops::Range<u64>,
    /// Whether values may be null, so that pages hold levels.
    pub(crate) nullable: bool,
    pub(crate) limits: Limits,
}

/// Whether pages packed so can be inflated.
pub(crate) fn is_known(codec: Compression) -> bool {
    matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_))
}

/// What is used of a header; absent numbers are -1.
struct Header {
    kind: i64,
    inflated: i64,
    packed: i64,
    n_values: i64,
    n_nulls: i64,
    n_rows: i64,
    encoding: i64,
    level_encoding: i64,
    level_bytes: i64,
    repeat_bytes: i64,
    is_packed: bool,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<(Header, u64)> {
        let mut header = Header {
            kind: -1,
            inflated: -1,
            packed: -1,
            n_values: -1,
            n_nulls: -1,
            n_rows: -1,
            encoding: -1,
            level_encoding: -1,
            level_bytes: -1,
            repeat_bytes: -1,
            is_packed: true,
        };
        let n = thrift::walk(bytes, &mut |path, number| match path {
            [1] => header.kind = number,
            [2] => header.inflated = number,
            [3] => header.packed = number,
            [5 | 7 | 8, 1] => header.n_values = number,
            [5 | 7, 2] | [8, 4] => header.encoding = number,
            [5, 3] => header.level_encoding = number,
            [8, 2] => header.n_nulls = number,
            [8, 3] => header.n_rows = number,
            [8, 5] => header.level_bytes = number,
            [8, 6] => header.repeat_bytes = number,
            [8, 7] => header.is_packed = number != 0,
            _ => {}
        })?;
        Some((header, n as u64))
    }
}

impl Pages {
    fn next_page(&mut self) -> Result<Option<Page>> {
        while !self.span.is_empty() {
            let header = self.header()?;
            let packed_bytes = u64::try_from(header.packed).map_err(|_| damaged("size of a page"))?;
            if packed_bytes > self.span.end - self.span.start {
                return Err(damaged("a page is cut off"));
            }
            let packed = self.bytes(packed_bytes)?;
            self.span.start += packed_bytes;
            match header.kind {
                0 => return self.data(&header, &packed).map(Some),
                1 => {}
                2 => return self.dictionary(&header, &packed).map(Some),
                3 => return self.data_v2(&header, &packed).map(Some),
                kind => return Err(damaged(&format!("page of kind {kind}"))),
            }
        }
        Ok(None)
    }

    fn header(&mut self) -> Result<Header> {
        for n in [HEADER_BYTES, HEADER_BYTES_MAX] {
            let bytes = self.bytes(n.min(self.span.end - self.span.start))?;
            if let Some((header, n)) = Header::read(&bytes) {
                self.span.start += n;
                return Ok(header);
            }
        }
        Err(damaged("header of a page"))
    }

    fn bytes(&self, n: u64) -> Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.span.start))?;
        // Not reserved up front: the file may have become shorter.
        let mut bytes = Vec::new();
        file.by_ref().take(n).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != n {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(bytes)
    }

    fn dictionary(&self, header: &Header, packed: &[u8]) -> Result<Page> {
        let buf = self.inflate(packed, header.inflated)?;
        let num_values = count(header.n_values)?;
        if num_values as usize > buf.len() / DICTIONARY_VALUE_BYTES {
            return Err(damaged("number of values in a dictionary"));
        }
        let encoding = encoding(header.encoding)?;
        Ok(Page::DictionaryPage { buf: buf.into(), num_values, encoding, is_sorted: false })
    }

    fn data(&self, header: &Header, packed: &[u8]) -> Result<Page> {
        let buf = self.inflate(packed, header.inflated)?;
        let encoding = encoding(header.encoding)?;
        let num_values = count(header.n_values)?;
        let level_encoding = match self.nullable {
            true => self::encoding(header.level_encoding)?,
            false => Encoding::RLE,
        };
        if is_delta_text(encoding) {
            if self.nullable && level_encoding != Encoding::RLE {
                return Err(damaged("encodings of levels and values that do not go together"));
            }
            let values = match (self.nullable, buf.split_first_chunk::<4>()) {
                (false, _) => Some(&buf[..]),
                (true, Some((n, rest))) => rest.get(u32::from_le_bytes(*n) as usize..),
                (true, None) => None,
            };
            check_delta_text(values, encoding, num_values)?;
        }
        Ok(Page::DataPage {
            buf: buf.into(),
            num_values,
            encoding,
            def_level_encoding: level_encoding,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    }

    fn data_v2(&self, header: &Header, packed: &[u8]) -> Result<Page> {
        let (level_bytes, repeat_bytes) = (count(header.level_bytes)?, count(header.repeat_bytes)?);
        let n_levels = level_bytes as usize + repeat_bytes as usize;
        let levels = packed.get(..n_levels).ok_or_else(|| damaged("levels of a page"))?;
        let mut buf = levels.to_vec();
        let values = &packed[n_levels..];
        match header.is_packed {
            true => buf.append(&mut self.inflate(values, header.inflated - n_levels as i64)?),
            false => buf.extend_from_slice(values),
        }
        let encoding = encoding(header.encoding)?;
        let num_values = count(header.n_values)?;
        if is_delta_text(encoding) {
            check_delta_text(buf.get(n_levels..), encoding, num_values)?;
        }
        Ok(Page::DataPageV2 {
            buf: buf.into(),
            num_values,
            encoding,
            num_nulls: count(header.n_nulls)?,
            num_rows: count(header.n_rows)?,
            def_levels_byte_len: level_bytes,
            rep_levels_byte_len: repeat_bytes,
            is_compressed: false,
            statistics: None,
        })
    }

    fn inflate(&self, packed: &[u8], size: i64) -> Result<Vec<u8>> {
        let size = u64::try_from(size).map_err(|_| damaged("inflated size of a page"))?;
        let ratio = Limits { ratio_free: PAGE_BYTES_FREE, ..self.limits };
        if size > ratio.inflated_bytes_max(packed.len() as u64) {
            return Err(damaged(&format!("a page inflates to {size} bytes")));
        }
        // All values of a page may be null, and then there is nothing, not even something packed.
        if size == 0 {
            return Ok(Vec::new());
        }
        let mut out = vec![0; size as usize];
        let n = match self.codec {
            Compression::SNAPPY => snap::raw::Decoder::new().decompress(packed, &mut out).ok(),
            Compression::GZIP(_) => libdeflater::Decompressor::new().gzip_decompress(packed, &mut out).ok(),
            Compression::ZSTD(_) => zstd::bulk::decompress_to_buffer(packed, &mut out[..]).ok(),
            _ if packed.len() == out.len() => {
                out.copy_from_slice(packed);
                Some(out.len())
            }
            _ => None,
        };
        match n == Some(out.len()) {
            true => Ok(out),
            false => Err(damaged("a page that cannot be inflated")),
        }
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.next_page();
        if page.is_err() {
            self.span.start = self.span.end;
        }
        page
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::NYI("pages are read in order".to_owned()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::NYI("pages are read in order".to_owned()))
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // Nothing is repeated, so each value is a record.
        Ok(true)
    }
}

fn encoding(number: i64) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(damaged(&format!("encoding {number}"))),
    })
}

fn count(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| damaged("a count in the header of a page"))
}

fn is_delta_text(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY)
}

/// The lengths that come before such text are unpacked at once, as many as they claim to be.
fn check_delta_text(values: Option<&[u8]>, encoding: Encoding, n_values: u32) -> Result<()> {
    let max = DELTA_VALUES_MAX.min(u64::from(n_values));
    let n_lists = if encoding == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
    let mut rest = values;
    for _ in 0..n_lists {
        rest = rest.and_then(|values| skip_deltas(values, max));
    }
    rest.map(drop).ok_or_else(|| damaged("lengths of text"))
}

/// What comes behind a list of packed numbers, if there are no more than `max`.
fn skip_deltas(bytes: &[u8], max: u64) -> Option<&[u8]> {
    let (block_values, bytes) = varint(bytes)?;
    let (n_minis, bytes) = varint(bytes)?;
    let (n_values, bytes) = varint(bytes)?;
    let (_first, mut bytes) = varint(bytes)?;
    if n_values > max || n_minis == 0 || block_values == 0 || block_values % n_minis != 0 {
        return None;
    }
    let mini_values = block_values / n_minis;
    let mut left = n_values.saturating_sub(1);
    while left > 0 {
        let (_least, rest) = varint(bytes)?;
        let (widths, rest) = rest.split_at_checked(usize::try_from(n_minis).ok()?)?;
        bytes = rest;
        for width in widths {
            if left == 0 {
                break;
            }
            let n_bits = u64::from(*width).checked_mul(mini_values)?;
            bytes = bytes.get(usize::try_from(n_bits.div_ceil(8)).ok()?..)?;
            left = left.saturating_sub(mini_values);
        }
    }
    Some(bytes)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, n) = thrift::varint(bytes)?;
    Some((number, &bytes[n..]))
}

/// An error of the file, told apart from those of the `parquet` crate by its variant.
pub(crate) fn damaged(what: &str) -> ParquetError {
    io::Error::new(io::ErrorKind::InvalidData, what).into()
}
