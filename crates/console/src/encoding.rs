//! How bytes are packed, as `Accept-Encoding` asks for it.

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Brotli.
    Br,
    /// Gzip.
    Gzip,
    /// Not at all.
    Identity,
}

impl Encoding {
    /// As headers name it; nothing if nothing is to be said.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Encoding::Br => Some("br"),
            Encoding::Gzip => Some("gzip"),
            Encoding::Identity => None,
        }
    }

    /// Whether a client takes it.
    pub(crate) fn is_taken(self, accept: &str) -> bool {
        let Some(name) = self.name() else { return true };
        let weight = |wanted: &str| {
            accept.split(',').find_map(|part| {
                let mut parts = part.split(';').map(str::trim);
                let is_it = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case(wanted));
                let q = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
                is_it.then(|| q.map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0)))
            })
        };
        weight(name).or_else(|| weight("*")).is_some_and(|q| q > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_take() {
        for (accept, br, gzip) in [
            ("", false, false),
            ("gzip, deflate, br, zstd", true, true),
            ("gzip;q=1.0, br;q=0", false, true),
            ("br ; q=0.5", true, false),
            ("*", true, true),
            ("*;q=0, GZIP", false, true),
            ("brotli, xgzip", false, false),
            ("br;q=x", false, false),
        ] {
            assert_eq!((Encoding::Br.is_taken(accept), Encoding::Gzip.is_taken(accept)), (br, gzip), "{accept}");
        }
    }
}
