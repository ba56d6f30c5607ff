//! Where in a record a value lies.
//!
//! A [`Path`] has three kinds of step, and so it can say what every rule language means by a field name:
//! Sigma and EventBridge visit each element of an array on the way ([`Step::Each`]), metric filters and Logs Insights name one ([`Step::Index`]).

use std::fmt;

/// One step from a value to values inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The member of an object with this key, in exactly this spelling.
    Name(Box<str>),
    /// The element of an array at this position, from 0.
    Index(u32),
    /// Each element of an array and of the arrays in it; a value that is not an array stands for itself.
    Each,
}

/// A way from the record to the values that a test looks at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    steps: Box<[Step]>,
    /// Whether a key of the record that is spelled like the whole dotted name is meant too.
    or_key: bool,
}

impl Path {
    /// A path of the steps as given.
    pub fn new(steps: impl Into<Box<[Step]>>) -> Path {
        Path { steps: steps.into(), or_key: false }
    }

    /// `a.b.c` as Sigma reads it: arrays on the way, and at the end, are visited element by element;
    /// a key that itself holds the dots is meant too.
    pub fn visiting(dotted: &str) -> Path {
        let steps = dotted.split('.').flat_map(|name| [Step::Name(name.into()), Step::Each]);
        Path { steps: steps.collect(), or_key: dotted.contains('.') }
    }

    /// `a.b.c` to the value itself, an array included; arrays on the way are visited element by element.
    pub fn reaching(dotted: &str) -> Path {
        Path::visiting(dotted).without_last_each()
    }

    /// `a.b.c` through objects only.
    pub fn plain(dotted: &str) -> Path {
        Path { steps: dotted.split('.').map(|name| Step::Name(name.into())).collect(), or_key: false }
    }

    /// The one key of the record, whatever it holds.
    pub fn plain_key(name: &str) -> Path {
        Path::new([Step::Name(name.into())])
    }

    /// The steps, first to last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same path up to the value itself, before its elements are visited.
    pub fn without_last_each(&self) -> Path {
        match self.steps.split_last() {
            Some((Step::Each, rest)) => Path { steps: rest.into(), or_key: self.or_key },
            _ => self.clone(),
        }
    }

    /// Whether the path ends by visiting the elements of an array.
    pub fn ends_in_each(&self) -> bool {
        self.steps.last() == Some(&Step::Each)
    }

    /// The chains of steps that lead to the value: the path's own and, where the whole name may be one key, that.
    pub fn spellings(&self) -> Vec<Vec<Step>> {
        let mut out = vec![self.steps.to_vec()];
        if self.or_key {
            let mut one_key = vec![Step::Name(self.dotted().into())];
            one_key.extend(self.ends_in_each().then_some(Step::Each));
            out.push(one_key);
        }
        out
    }

    /// The names on the way joined by dots: how a person writes the field.
    pub fn dotted(&self) -> String {
        let mut out = String::new();
        for step in &self.steps {
            match step {
                Step::Name(name) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(name);
                }
                Step::Index(i) => out.push_str(&format!("[{i}]")),
                Step::Each => {}
            }
        }
        out
    }
}

/// Canonical text: `a.b[*].c[0]`, with a `~` before it where a key spelled like the whole name is meant too; a name that holds anything but letters, digits, `_`, `-`, `@` and `:` is quoted.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.or_key {
            f.write_str("~")?;
        }
        for (i, step) in self.steps.iter().enumerate() {
            match step {
                Step::Name(name) => {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    let plain = !name.is_empty()
                        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | ':'));
                    if plain { f.write_str(name)? } else { write!(f, "{name:?}")? }
                }
                Step::Index(n) => write!(f, "[{n}]")?,
                Step::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotted_name_visits_arrays() {
        assert_eq!(Path::visiting("a.b").to_string(), "~a[*].b[*]");
        assert_eq!(Path::reaching("a.b").to_string(), "~a[*].b");
        assert_eq!(Path::plain("a.b c").to_string(), "a.\"b c\"");
        assert_eq!(Path::visiting("a.b").dotted(), "a.b");
    }
}
