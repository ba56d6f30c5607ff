//! The body of a request as its sender wrote it, before it was packed for the way.

use std::borrow::Cow;
use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;

/// A body cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is packed in a way that is not known here.
    #[error("cannot unpack a body with the content encoding `{encoding}`")]
    Encoding {
        /// What its header says.
        encoding: String,
    },
    /// It is longer than it may be, as it is or unpacked.
    #[error("a body of more than {bytes_max} bytes")]
    Long {
        /// The bound.
        bytes_max: usize,
    },
    /// It is damaged, or ends too early.
    #[error("cannot unpack the body")]
    Damaged {
        /// Why.
        #[source]
        err: io::Error,
    },
}

/// The body, unpacked as its `Content-Encoding` says: gzip or nothing.
///
/// # Errors
/// When it cannot be unpacked, or is longer than the bound.
pub fn plain<'a>(encoding: Option<&str>, body: &'a [u8], bytes_max: usize) -> Result<Cow<'a, [u8]>, BodyError> {
    if body.len() > bytes_max {
        return Err(BodyError::Long { bytes_max });
    }
    let encoding = encoding.unwrap_or_default().trim();
    match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => inflate(body, bytes_max).map(Cow::Owned),
        _ => Err(BodyError::Encoding { encoding: encoding.to_owned() }),
    }
}

fn inflate(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let mut out = Vec::new();
    let n_most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body).take(n_most).read_to_end(&mut out);
    read.map_err(|err| BodyError::Damaged { err })?;
    if out.len() > bytes_max { Err(BodyError::Long { bytes_max }) } else { Ok(out) }
}
