//! Collects everything that is wrong with an input, so that one answer names it all.

use std::collections::HashSet;

use crate::error::{Error, Result, Violation};

#[derive(Debug, Default)]
pub struct Checks(Vec<Violation>);

impl Checks {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn fail(&mut self, pointer: impl Into<String>, code: &str, message: impl Into<String>) {
        self.0.push(Violation {
            pointer: pointer.into(),
            code: code.to_owned(),
            message: message.into(),
        });
    }

    pub fn require(&mut self, holds: bool, pointer: &str, code: &str, message: &str) {
        if !holds {
            self.fail(pointer, code, message);
        }
    }

    /// One line of text: 1 to `max` characters, no control characters. Answers it trimmed.
    pub fn line(&mut self, pointer: &str, text: &str, max: usize) -> String {
        let text = text.trim();
        self.require(!text.is_empty(), pointer, "empty", "must not be empty");
        self.text(pointer, text, max, false);
        text.to_owned()
    }

    /// One line of text that may be absent; blank counts as absent.
    pub fn optional_line(
        &mut self,
        pointer: &str,
        text: Option<&str>,
        max: usize,
    ) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        self.text(pointer, text, max, false);
        Some(text.to_owned())
    }

    /// Text of several lines that may be absent; blank counts as absent.
    pub fn optional_prose(
        &mut self,
        pointer: &str,
        text: Option<&str>,
        max: usize,
    ) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        self.text(pointer, text, max, true);
        Some(text.to_owned())
    }

    fn text(&mut self, pointer: &str, text: &str, max: usize, lines: bool) {
        let length = text.chars().count();
        if length > max {
            self.fail(
                pointer,
                "too_long",
                format!("must have at most {max} characters, has {length}"),
            );
        }
        let stray = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'));
        if text.chars().any(stray) {
            self.fail(pointer, "control_character", "must not contain control characters");
        }
    }

    pub fn range<T: PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        pointer: &str,
        value: T,
        min: T,
        max: T,
    ) {
        if !(value >= min && value <= max) {
            self.fail(pointer, "out_of_range", format!("must be between {min} and {max}"));
        }
    }

    /// A validity: the end, where there is one, is not before the start.
    pub fn validity(&mut self, from: chrono::NaiveDate, to: Option<chrono::NaiveDate>) {
        self.require(
            to.is_none_or(|to| to >= from),
            "/valid_to",
            "before_start",
            "must not be before valid_from",
        );
    }

    /// Each of a list of ids or codes, found or faulted; none twice. `bounds` are the least and the most
    /// that may be named.
    pub fn named<K: std::hash::Hash + Eq, T>(
        &mut self,
        pointer: &str,
        keys: &[K],
        bounds: (usize, usize),
        find: impl Fn(&K) -> Result<T, (&'static str, &'static str)>,
    ) -> Vec<T> {
        let (least, most) = bounds;
        self.require(keys.len() >= least, pointer, "too_few", "must name at least one");
        self.require(keys.len() <= most, pointer, "too_many", &format!("must name at most {most}"));
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (index, key) in keys.iter().enumerate().take(most) {
            let pointer = format!("{pointer}/{index}");
            self.require(seen.insert(key), &pointer, "repeated", "must be named once");
            match find(key) {
                Ok(item) => found.push(item),
                Err((code, message)) => self.fail(pointer, code, message),
            }
        }
        found
    }

    /// A part of the input that has rules of its own, as told of the whole: `pointer` leads to the part.
    /// None when it is at fault.
    ///
    /// # Errors
    /// What is no fault of the input.
    pub fn part<T>(&mut self, pointer: &str, result: Result<T>) -> Result<Option<T>> {
        match result.map_err(|error| error.below(pointer)) {
            Ok(part) => Ok(Some(part)),
            Err(Error::Invalid(errors)) => {
                self.0.extend(errors);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// An e-mail address, lower-cased. The check is the useful minimum: only a message that
    /// arrives proves an address.
    pub fn email(&mut self, pointer: &str, text: &str) -> String {
        let email = self.line(pointer, text, 254).to_lowercase();
        let well_formed = email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
                && !host.contains('@')
        }) && !email.chars().any(char::is_whitespace);
        self.require(well_formed, pointer, "not_an_email", "must be an e-mail address");
        email
    }

    /// # Errors
    /// `Invalid` with everything that was found.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// A path as serde reports it (`topics[2].code`) as a JSON pointer (`/topics/2/code`).
#[must_use]
pub fn json_pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    use std::fmt::Write;

    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(pointer, "/{index}");
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// What serde found wrong with the shape of a value, as a violation.
#[must_use]
pub fn shape_violation(
    path: &serde_path_to_error::Path,
    error: &impl std::fmt::Display,
) -> Violation {
    let mut message = error.to_string();
    // serde_json appends " at line 1 column 7"; the pointer says where.
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let mut pointer = json_pointer(path);
    let code = if message.starts_with("unknown field") {
        "unknown_field"
    } else if let Some(field) =
        message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'))
    {
        // serde reports the object that lacks the field; the pointer names the field itself.
        if !pointer.ends_with(&format!("/{field}")) {
            pointer.push('/');
            pointer.push_str(field);
        }
        message = "is required".to_owned();
        "missing"
    } else {
        // What chrono says of 31 February.
        if message == "input is out of range" {
            message.push_str(": there is no such date or time");
        }
        "wrong_type"
    };
    Violation { pointer, code: code.to_owned(), message }
}
