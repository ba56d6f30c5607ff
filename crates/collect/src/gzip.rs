//! Gzip, member after member, in flat memory and with an exact account of what is wrong (RFC 1952).
//!
//! The header and trailer are read here and not by `flate2`, which neither tells padding from garbage nor says where the
//! damage is.

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::Crc;

use crate::blob::{Container, Limits};
use crate::broken::{Broken, Offset};
use crate::layer::{Input, Layer, STEP_BYTES};

const HEADER_BYTES: usize = 10;
const TRAILER_BYTES: usize = 8;
const METHOD_DEFLATE: u8 = 8;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

pub(crate) struct Gzip {
    input: Input,
    limits: Limits,
    part: Part,
    inflate: Box<Decompress>,
    /// Inflated into, and copied from: members may be tiny, and clearing room for each in the output is not.
    step: Vec<u8>,
    inflated: u64,
}

enum Part {
    /// Before the first member.
    Start,
    Member(Member),
    /// Behind a member.
    Between,
    End,
}

/// What has been inflated of a member.
struct Member {
    crc: Crc,
    inflated: u64,
}

impl Layer for Gzip {
    fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        let stop = out.len().saturating_add(want);
        while out.len() < stop {
            self.part = match std::mem::replace(&mut self.part, Part::End) {
                Part::Start => self.header()?,
                Part::Member(member) => self.body(member, out, stop)?,
                Part::Between => self.between()?,
                Part::End => return Ok(false),
            };
        }
        Ok(!matches!(self.part, Part::End))
    }

    fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }
}

impl Gzip {
    pub(crate) fn new(below: Box<dyn Layer>, limits: Limits) -> Gzip {
        let (inflate, step) = (Box::new(Decompress::new(false)), vec![0; STEP_BYTES]);
        Gzip { input: Input::new(below), limits, part: Part::Start, inflate, step, inflated: 0 }
    }

    fn header(&mut self) -> Result<Part, Broken> {
        let header = self.input.at_least(HEADER_BYTES);
        let &[0x1F, 0x8B, method, flags, _, _, _, _, _, _, ..] = header else {
            return Err(match header.len() < HEADER_BYTES {
                true => self.cut_off(),
                false => self.corrupt("no gzip header"),
            });
        };
        if method != METHOD_DEFLATE {
            return Err(self.corrupt(&format!("method {method} in the header")));
        }
        if flags & FLAGS_RESERVED != 0 {
            return Err(self.corrupt(&format!("flags {flags:#04x} in the header")));
        }
        self.input.use_up(HEADER_BYTES);
        if flags & FLAG_EXTRA != 0 {
            self.skip_extra()?;
        }
        if flags & FLAG_NAME != 0 {
            self.skip_text()?;
        }
        if flags & FLAG_COMMENT != 0 {
            self.skip_text()?;
        }
        if flags & FLAG_HEADER_CRC != 0 {
            self.skip(2)?;
        }
        self.inflate.reset(false);
        Ok(Part::Member(Member { crc: Crc::new(), inflated: 0 }))
    }

    fn skip_extra(&mut self) -> Result<(), Broken> {
        let &[low, high, ..] = self.input.at_least(2) else {
            return Err(self.cut_off());
        };
        self.skip(2 + usize::from(u16::from_le_bytes([low, high])))
    }

    fn skip_text(&mut self) -> Result<(), Broken> {
        loop {
            let bytes = self.input.bytes();
            let n = bytes.len();
            if n == 0 {
                return Err(self.cut_off());
            }
            if let Some(nul) = memchr::memchr(0, bytes) {
                self.input.use_up(nul + 1);
                return Ok(());
            }
            self.input.use_up(n);
        }
    }

    fn skip(&mut self, n: usize) -> Result<(), Broken> {
        if self.input.at_least(n).len() < n {
            return Err(self.cut_off());
        }
        self.input.use_up(n);
        Ok(())
    }

    fn body(&mut self, mut member: Member, out: &mut Vec<u8>, stop: usize) -> Result<Part, Broken> {
        loop {
            let room = STEP_BYTES.min(stop - out.len());
            let packed = self.input.bytes();
            let at_end = packed.is_empty();
            let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
            let result = self.inflate.decompress(packed, &mut self.step[..room], FlushDecompress::None);
            // What was inflated before an error is counted, and is delivered.
            let used = (self.inflate.total_in() - in_before) as usize;
            let inflated = (self.inflate.total_out() - out_before) as usize;
            out.extend_from_slice(&self.step[..inflated]);
            self.input.use_up(used);
            member.crc.update(&self.step[..inflated]);
            member.inflated += inflated as u64;
            self.inflated += inflated as u64;
            self.limits.check(Container::Gzip, self.at())?;
            match result {
                Ok(Status::StreamEnd) => return self.trailer(&member),
                Err(err) => return Err(self.corrupt(err.message().unwrap_or("no deflate data"))),
                Ok(_) if used == 0 && inflated == 0 && at_end => return Err(self.cut_off()),
                Ok(_) if used == 0 && inflated == 0 => return Err(self.corrupt("no progress")),
                Ok(_) if out.len() >= stop => return Ok(Part::Member(member)),
                Ok(_) => {}
            }
        }
    }

    fn trailer(&mut self, member: &Member) -> Result<Part, Broken> {
        let trailer = self.input.at_least(TRAILER_BYTES);
        let Some((&trailer, _)) = trailer.split_first_chunk::<TRAILER_BYTES>() else {
            return Err(self.cut_off());
        };
        self.input.use_up(TRAILER_BYTES);
        // The size is kept modulo 2^32.
        if trailer != footer(&member.crc, member.inflated as u32) {
            return Err(Broken::Checksum { container: Container::Gzip, at: self.at() });
        }
        Ok(Part::Between)
    }

    fn between(&mut self) -> Result<Part, Broken> {
        loop {
            match self.input.at_least(2) {
                [0x1F, 0x8B, ..] => return Ok(Part::Start),
                [] => return self.input.damage().map_or(Ok(Part::End), Err),
                // Padding: files are rounded up to whole blocks on some media.
                bytes if bytes[0] == 0 => {
                    let n = bytes.iter().take_while(|byte| **byte == 0).count();
                    self.input.use_up(n);
                }
                _ => {
                    let at = self.at();
                    return Err(self
                        .input
                        .damage()
                        .unwrap_or(Broken::TrailingGarbage { container: Container::Gzip, at }));
                }
            }
        }
    }

    fn at(&self) -> Offset {
        Offset { compressed: self.input.used(), inflated: self.inflated }
    }

    fn cut_off(&mut self) -> Broken {
        let at = self.at();
        self.input.damage().unwrap_or(Broken::Truncated { container: Container::Gzip, at })
    }

    fn corrupt(&self, why: &str) -> Broken {
        Broken::Corrupt { container: Container::Gzip, at: self.at(), why: why.to_owned() }
    }
}

/// The trailer that a member should have.
pub(crate) fn footer(crc: &Crc, size: u32) -> [u8; TRAILER_BYTES] {
    let [a, b, c, d] = crc.sum().to_le_bytes();
    let [e, f, g, h] = size.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}
