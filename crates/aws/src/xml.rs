//! The little XML that S3 answers with, read without trust: bounded, no entities but the five, text only of what is asked for.

use quick_xml::Reader;
use quick_xml::events::Event;

const DEPTH_MAX: usize = 16;

/// Calls `leaf` with the names down to each element that holds text, and the text, and with `None` where an element ends.
pub(crate) fn walk(bytes: &[u8], mut visit: impl FnMut(&[String], Option<&str>)) -> Result<(), String> {
    let mut reader = Reader::from_reader(bytes);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|err| err.to_string())? {
            Event::Start(start) => {
                if path.len() == DEPTH_MAX {
                    return Err(format!("nested deeper than {DEPTH_MAX}"));
                }
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece.decode().map_err(|err| err.to_string())?),
            Event::CData(piece) => text.push_str(&piece.decode().map_err(|err| err.to_string())?),
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|err| err.to_string())?;
                match entity.resolve_char_ref().map_err(|err| err.to_string())? {
                    Some(c) => text.push(c),
                    None => text.push_str(
                        quick_xml::escape::resolve_predefined_entity(&name)
                            .ok_or_else(|| format!("the entity `{name}` is not known"))?,
                    ),
                }
            }
            Event::End(_) => {
                visit(&path, Some(&text));
                visit(&path, None);
                path.pop();
                text.clear();
            }
            Event::DocType(_) => return Err("a document type is not wanted here".to_owned()),
            Event::Eof => break,
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if path.is_empty() { Ok(()) } else { Err("it ends in the middle".to_owned()) }
}

/// The code and message of an answer that is an error.
pub(crate) fn error(bytes: &[u8]) -> (String, String) {
    let (mut code, mut message) = (String::new(), String::new());
    // A proxy may have answered in HTML, and then the status says it all.
    let _unread = walk(bytes, |path, text| {
        if let ([.., parent, name], Some(text)) = (path, text)
            && parent == "Error"
        {
            match name.as_str() {
                "Code" => text.clone_into(&mut code),
                "Message" => text.clone_into(&mut message),
                _ => {}
            }
        }
    });
    (code, message)
}
