//! What of the records is counted: values of dimensions, as questions name them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::error::{Error, Result, Violation};

/// The word for records that have no value of a dimension.
pub const NONE: &str = "none";
const MAX_VALUES: usize = 100;

/// Any of the values of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition<D> {
    pub dimension: D,
    /// Null for no value.
    pub codes: Vec<Option<String>>,
}

impl<D: Code + PartialEq> Condition<D> {
    /// As a question names it.
    #[must_use]
    pub fn words(&self) -> String {
        let word = |code: &Option<String>| {
            format!("{}:{}", self.dimension.code(), code.as_deref().unwrap_or(NONE))
        };
        self.codes.iter().map(word).collect::<Vec<_>>().join(",")
    }

    /// Whether a record with this value meets it.
    #[must_use]
    pub fn holds(&self, code: Option<&str>) -> bool {
        self.codes.iter().any(|wanted| wanted.as_deref() == code)
    }
}

/// The conditions that a parameter names: `dimension:code`, comma-separated. Those of one dimension are
/// alternatives.
///
/// # Errors
/// `Malformed` for unknown dimensions and for what is no such pair.
pub fn conditions<D: Code + PartialEq>(
    parameter: &str,
    words: Option<&str>,
) -> Result<Vec<Condition<D>>> {
    let malformed = |code: &str, message: String| Error::Malformed {
        code: "malformed_query",
        detail: format!("The query parameter {parameter}: {message}."),
        errors: vec![Violation { pointer: parameter.to_owned(), code: code.to_owned(), message }],
    };
    let mut conditions: Vec<Condition<D>> = Vec::new();
    let words = words.unwrap_or_default().split(',').map(str::trim);
    for (index, word) in words.filter(|word| !word.is_empty()).enumerate() {
        if index >= MAX_VALUES {
            return Err(malformed("too_many", format!("must name at most {MAX_VALUES} values")));
        }
        let Some((dimension, code)) = word.split_once(':').filter(|(_, code)| !code.is_empty())
        else {
            return Err(malformed("no_condition", format!("{word:?} must be dimension:code")));
        };
        let dimension = D::from_code(dimension).ok_or_else(|| {
            let known: Vec<_> = D::all().into_iter().map(Code::code).collect();
            let message = format!("{dimension:?} must be one of {}", known.join(", "));
            malformed("unknown_dimension", message)
        })?;
        let code = (code != NONE).then(|| code.to_owned());
        match conditions.iter_mut().find(|condition| condition.dimension == dimension) {
            Some(condition) if condition.codes.contains(&code) => {}
            Some(condition) => condition.codes.push(code),
            None => conditions.push(Condition { dimension, codes: vec![code] }),
        }
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Dimension;

    #[test]
    fn values_of_one_dimension_are_alternatives() {
        let words = "section:wz2008:C,topic:blue_card, topic:none,topic:blue_card";
        let found = conditions::<Dimension>("filter", Some(words)).unwrap();
        let section =
            Condition { dimension: Dimension::Section, codes: vec![Some("wz2008:C".to_owned())] };
        let topic = Condition {
            dimension: Dimension::Topic,
            codes: vec![Some("blue_card".to_owned()), None],
        };
        assert_eq!(found, [section, topic.clone()]);
        assert_eq!(topic.words(), "topic:blue_card,topic:none");
        assert!(topic.holds(None) && topic.holds(Some("blue_card")) && !topic.holds(Some("other")));
        for wrong in ["topic", "topic:", "adviser:x", ":x"] {
            let refused = conditions::<Dimension>("filter", Some(wrong));
            assert!(matches!(refused, Err(Error::Malformed { .. })), "{wrong}");
        }
    }
}
