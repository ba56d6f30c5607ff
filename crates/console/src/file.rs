//! Files and the page.

use std::borrow::Cow;
use std::io::Read as _;

use crate::encoding::Encoding;

/// Where the page wants the nonce of its answer.
const NONCE: &str = "__CSP_NONCE__";
/// The paths at which a program without a console says so.
const STATUS_PATHS: [&str; 2] = ["/", "/setup"];

/// A file that the web build made.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path, from `/` on.
    pub path: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// Whether its name changes when it does.
    pub is_immutable: bool,
    /// Tells it from what another build has at this path.
    pub hash: &'static str,
    /// Packed with Brotli.
    pub br: Option<&'static [u8]>,
    /// Packed with gzip.
    pub gz: Option<&'static [u8]>,
    /// As it is; always there if `gz` is not.
    pub plain: Option<&'static [u8]>,
}

/// A file as it is sent.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The file.
    pub file: &'static File,
    /// How it is packed.
    pub encoding: Encoding,
    /// Its bytes, packed so.
    pub bytes: Cow<'static, [u8]>,
}

/// All files, and the page that stands for them where there are none.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// By path.
    pub files: &'static [File],
    /// The page that says that there is no console.
    pub status: &'static str,
}

impl Console {
    /// The file at a path, packed as a client takes it. The page is no file: it is different in each answer.
    pub fn file(&self, path: &str, accept: &str) -> Option<Piece> {
        let at = self.files.binary_search_by(|file| file.path.cmp(path)).ok()?;
        let file = &self.files[at];
        (path != "/index.html").then(|| file.piece(accept))
    }

    /// The page at a path; all paths have the same one, which knows what each of them shows.
    pub fn page(&self, path: &str, nonce: &str) -> Option<String> {
        let index = self.files.iter().find(|file| file.path == "/index.html").and_then(|file| file.plain);
        match index {
            Some(index) => Some(String::from_utf8_lossy(index).replace(NONCE, nonce)),
            None => STATUS_PATHS.contains(&path).then(|| self.status.replace(NONCE, nonce)),
        }
    }
}

impl File {
    fn piece(&'static self, accept: &str) -> Piece {
        let packed = [(Encoding::Br, self.br), (Encoding::Gzip, self.gz)];
        let mut taken = packed.into_iter().filter_map(|(encoding, bytes)| Some((encoding, bytes?)));
        let (encoding, bytes) = match (taken.find(|(encoding, _)| encoding.is_taken(accept)), self.plain) {
            (Some((encoding, bytes)), _) => (encoding, Cow::Borrowed(bytes)),
            (None, Some(plain)) => (Encoding::Identity, Cow::Borrowed(plain)),
            (None, None) => (Encoding::Identity, Cow::Owned(inflate(self.gz.unwrap_or_default()))),
        };
        Piece { file: self, encoding, bytes }
    }
}

impl Piece {
    /// The `ETag`: what is packed otherwise is another answer.
    pub fn tag(&self) -> String {
        match self.encoding.name() {
            Some(name) => format!("\"{}-{name}\"", self.file.hash),
            None => format!("\"{}\"", self.file.hash),
        }
    }
}

fn inflate(gz: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(gz).read_to_end(&mut bytes).expect("the build packed it");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `console.log(1)`, packed as the web build does it.
    const GZ: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 75, 206, 207, 43, 206, 207, 73, 213, 203, 201, 79, 215, 48, 212, 4, 0, 104,
        254, 1, 67, 14, 0, 0, 0,
    ];
    const FILES: &[File] = &[
        File {
            path: "/assets/app-1.js",
            kind: "text/javascript",
            is_immutable: true,
            hash: "a",
            br: Some(b"br"),
            gz: Some(GZ),
            plain: None,
        },
        File {
            path: "/assets/font-1.woff2",
            kind: "font/woff2",
            is_immutable: true,
            hash: "b",
            br: None,
            gz: None,
            plain: Some(b"font"),
        },
        File {
            path: "/index.html",
            kind: "text/html",
            is_immutable: false,
            hash: "c",
            br: Some(b"br"),
            gz: Some(b"gz"),
            plain: Some(b"<meta content=\"__CSP_NONCE__\"><style nonce=\"__CSP_NONCE__\">"),
        },
    ];
    const BUILT: Console = Console { files: FILES, status: "none" };
    const BARE: Console = Console { files: &[], status: "none" };

    #[test]
    fn files_are_sent_as_clients_take_them() {
        for (accept, encoding, bytes, tag) in [
            ("br, gzip", Encoding::Br, b"br".as_slice(), "\"a-br\""),
            ("gzip", Encoding::Gzip, GZ, "\"a-gzip\""),
            ("", Encoding::Identity, b"console.log(1)", "\"a\""),
        ] {
            let piece = BUILT.file("/assets/app-1.js", accept).expect("it is there");
            assert_eq!((piece.encoding, &*piece.bytes, piece.tag().as_str()), (encoding, bytes, tag), "{accept}");
        }
        let font = BUILT.file("/assets/font-1.woff2", "br, gzip").expect("it is there");
        assert_eq!((font.encoding, &*font.bytes), (Encoding::Identity, b"font".as_slice()));
        for path in ["/assets/app-2.js", "/assets/", "/assets/../index.html", "assets/app-1.js", "/index.html"] {
            assert!(BUILT.file(path, "br").is_none(), "{path}");
        }
    }

    #[test]
    fn the_page_has_the_nonce_of_its_answer_everywhere() {
        for path in ["/", "/findings/abc", "/index.html"] {
            let page = BUILT.page(path, "n1").expect("it is there");
            assert_eq!(page, "<meta content=\"n1\"><style nonce=\"n1\">", "{path}");
        }
        assert_ne!(BUILT.page("/", "n1"), BUILT.page("/", "n2"));
    }

    #[test]
    fn without_files_a_page_says_so() {
        assert_eq!(BARE.page("/", "n").as_deref(), Some("none"));
        assert_eq!(BARE.page("/setup", "n").as_deref(), Some("none"));
        assert_eq!(BARE.page("/findings", "n"), None);
        assert!(BARE.file("/assets/app-1.js", "").is_none());
    }

    #[test]
    fn what_the_program_was_built_with_is_in_order() {
        let files = crate::CONSOLE.files;
        assert!(files.is_sorted_by(|a, b| a.path < b.path));
        for file in files {
            let piece = file.piece("");
            assert_eq!(piece.encoding, Encoding::Identity, "{}", file.path);
            assert!(!piece.bytes.is_empty(), "{}", file.path);
        }
        if !files.is_empty() {
            let page = crate::CONSOLE.page("/", "of-this-answer").expect("there is a page");
            assert!(page.contains("of-this-answer") && !page.contains(NONCE), "{page}");
        }
    }
}
