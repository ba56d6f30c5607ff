//! Messages about a text that a person wrote, drawn with a caret under the place.
