//! Saved queries: a small file each beside the tables, so that whoever opens the lake has them.

use serde_json::{Value, json};

use crate::error::{LakeError, StoreError};
use crate::lake::{Lake, Mode};

/// The folder of views in a lake.
const FOLDER: &str = "views";
/// The longest name.
const NAME_BYTES_MAX: usize = 64;

/// A saved query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// What it is called: letters, digits, `-` and `_`.
    pub name: String,
    /// The query.
    pub text: String,
    /// Its language: `ql` or `sql`.
    pub lang: String,
    /// What it is for; may be empty.
    pub about: String,
}

impl Lake {
    /// Saves a query under its name, or replaces the one that has the name.
    ///
    /// # Errors
    /// When the name is none, the lake is open for reading only, or the view cannot be written.
    pub fn save_view(&self, view: &View) -> Result<(), LakeError> {
        let location = self.view_location(&view.name)?;
        if self.shared.mode == Mode::Read {
            return Err(wrong(&view.name, "the lake is open for reading only"));
        }
        let text = json!({"name": view.name, "lang": view.lang, "text": view.text, "about": view.about});
        self.shared.store.put(&location, format!("{text:#}\n").into()).map_err(|err| failed(&view.name, err))
    }

    /// The saved query of this name.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn view(&self, name: &str) -> Result<View, LakeError> {
        let location = self.view_location(name)?;
        let bytes = match self.shared.store.get(&location) {
            Ok(bytes) => bytes,
            Err(err) if err.is_missing() => return Err(wrong(name, "there is no such view")),
            Err(err) => return Err(failed(name, err)),
        };
        let view: Value =
            serde_json::from_slice(&bytes).map_err(|err| wrong(name, &format!("it is not JSON: {err}")))?;
        let text = |key: &str| view.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(View { name: name.to_owned(), text: text("text"), lang: text("lang"), about: text("about") })
    }

    /// All saved queries by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn views(&self) -> Result<Vec<View>, LakeError> {
        let found = self.shared.store.list(FOLDER).map_err(|err| failed(FOLDER, err))?;
        let name = |location: &str| Some(location.rsplit('/').next()?.strip_suffix(".json")?.to_owned());
        let mut names: Vec<String> = found.iter().filter_map(|(location, _)| name(location)).collect();
        names.sort();
        names.iter().map(|name| self.view(name)).collect()
    }

    /// Removes a saved query.
    ///
    /// # Errors
    /// When there is none, the lake is open for reading only, or it cannot be removed.
    pub fn remove_view(&self, name: &str) -> Result<(), LakeError> {
        self.view(name)?;
        if self.shared.mode == Mode::Read {
            return Err(wrong(name, "the lake is open for reading only"));
        }
        self.shared.store.delete(&self.view_location(name)?).map_err(|err| failed(name, err))
    }

    fn view_location(&self, name: &str) -> Result<String, LakeError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_name) {
            return Err(wrong(name, "a name has letters, digits, `-` and `_`, 64 at most"));
        }
        Ok(self.shared.store.location(&format!("{FOLDER}/{name}.json")))
    }
}

fn wrong(name: &str, why: &str) -> LakeError {
    LakeError::View { name: name.to_owned(), why: why.to_owned() }
}

fn failed(name: &str, err: StoreError) -> LakeError {
    LakeError::ViewStore { name: name.to_owned(), err }
}
