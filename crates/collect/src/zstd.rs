//! Zstandard, frame after frame; frames that may be skipped are (RFC 8878).

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

use crate::blob::{Container, Limits};
use crate::broken::{Broken, Offset};
use crate::layer::{Input, Layer, STEP_BYTES};
use crate::magic::is_zstd;

/// The widest window that `zstd` itself writes without being told twice: 128 MiB. The memory is touched only as far as
/// bytes are inflated, which the limits bound.
const WINDOW_LOG_MAX: u32 = 27;

pub(crate) struct Zstd {
    input: Input,
    limits: Limits,
    /// Made when the first byte is wanted.
    decoder: Option<Decoder<'static>>,
    step: Vec<u8>,
    in_frame: bool,
    ended: bool,
    inflated: u64,
}

impl Layer for Zstd {
    fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        let stop = out.len().saturating_add(want);
        while !self.ended && out.len() < stop {
            if self.in_frame {
                self.frame(out, stop)?;
            } else {
                self.between()?;
            }
        }
        Ok(!self.ended)
    }

    fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }
}

impl Zstd {
    pub(crate) fn new(below: Box<dyn Layer>, limits: Limits) -> Zstd {
        let (input, step) = (Input::new(below), vec![0; STEP_BYTES]);
        Zstd { input, limits, decoder: None, step, in_frame: false, ended: false, inflated: 0 }
    }

    fn between(&mut self) -> Result<(), Broken> {
        let head = self.input.at_least(4);
        if is_zstd(head) {
            self.in_frame = true;
            return Ok(());
        }
        self.ended = true;
        let is_end = head.is_empty();
        let at = self.at();
        match self.input.damage() {
            Some(broken) => Err(broken),
            None if is_end => Ok(()),
            None => Err(Broken::TrailingGarbage { container: Container::Zstd, at }),
        }
    }

    fn frame(&mut self, out: &mut Vec<u8>, stop: usize) -> Result<(), Broken> {
        let at = self.at();
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            empty => empty.insert(decoder().map_err(|err| corrupt(at, err.to_string()))?),
        };
        let room = STEP_BYTES.min(stop - out.len());
        let packed = self.input.bytes();
        let at_end = packed.is_empty();
        let mut from = InBuffer::around(packed);
        let mut to = OutBuffer::around(&mut self.step[..room]);
        let result = decoder.run(&mut from, &mut to);
        let (used, inflated) = (from.pos(), to.pos());
        out.extend_from_slice(&self.step[..inflated]);
        self.input.use_up(used);
        self.inflated += inflated as u64;
        self.limits.check(Container::Zstd, self.at())?;
        match result {
            Ok(0) => {
                self.in_frame = false;
                Ok(())
            }
            Ok(_) if used == 0 && inflated == 0 && at_end => Err(self.cut_off()),
            Ok(_) if used == 0 && inflated == 0 => Err(corrupt(self.at(), "no progress".to_owned())),
            Ok(_) => Ok(()),
            // The library has names for its errors, but gives no numbers.
            Err(err) if err.to_string().contains("checksum") => {
                Err(Broken::Checksum { container: Container::Zstd, at: self.at() })
            }
            Err(err) => Err(corrupt(self.at(), err.to_string())),
        }
    }

    fn at(&self) -> Offset {
        Offset { compressed: self.input.used(), inflated: self.inflated }
    }

    fn cut_off(&mut self) -> Broken {
        let at = self.at();
        self.input.damage().unwrap_or(Broken::Truncated { container: Container::Zstd, at })
    }
}

fn decoder() -> std::io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
    Ok(decoder)
}

fn corrupt(at: Offset, why: String) -> Broken {
    Broken::Corrupt { container: Container::Zstd, at, why }
}
