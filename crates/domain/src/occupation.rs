//! Occupation (Beruf): the German classification of occupations of 2010 (Klassifikation der Berufe,
//! `KldB` 2010). Its two-digit main groups (Berufshauptgruppen) ship with the program; finer codes are
//! taken as they are, since the fifth digit alone has a meaning that is used here.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use crate::code::codes;

/// How many workers one consultation can be about.
pub const MAX_WORKERS: i32 = 10_000;

codes! {
    /// Requirement level (Anforderungsniveau), the fifth digit of a code.
    "skill_level" SkillLevel {
        /// 1: helper and semi-skilled (Helfer).
        Helper,
        /// 2: skilled worker (Fachkraft).
        Skilled,
        /// 3: specialist (Spezialist).
        Specialist,
        /// 4: expert (Experte).
        Expert,
    }
}

/// Workers of which occupation a company seeks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "26302", "workers": 2}))]
pub struct OccupationInput {
    /// Two to five digits of the `KldB` 2010, beginning with one of its main groups.
    #[schema(pattern = "^[0-9]{2,5}$")]
    pub code: String,
    /// Follows from a code of five digits and must agree with it.
    pub skill_level: Option<SkillLevel>,
    /// How many are sought; null when that is open.
    #[schema(minimum = 1, maximum = 10_000)]
    pub workers: Option<i32>,
}

/// An occupation with its main group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Occupation {
    #[schema(example = "26302")]
    pub code: String,
    #[schema(example = "26")]
    pub group: String,
    pub group_label_de: String,
    pub group_label_en: String,
    #[schema(required)]
    pub skill_level: Option<SkillLevel>,
    #[schema(required)]
    pub workers: Option<i32>,
}

/// A main group.
#[derive(Clone, Debug, Deserialize)]
pub struct Group {
    pub group: String,
    pub title_de: String,
    pub title_en: String,
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../data/kldb2010_groups.csv").as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .expect("the occupations shipped with the program are well-formed; a test reads them")
});

/// The main groups, by code.
#[must_use]
pub fn groups() -> &'static [Group] {
    &GROUPS
}

#[must_use]
pub fn group(code: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.group == code)
}

/// Reads the code of an occupation, or its first digits, that a list is filtered by; it may be absent.
///
/// # Errors
/// When no code begins so.
pub fn filter_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    if code.as_deref().is_some_and(|code| !begins_a_code(code)) {
        return Err(de::Error::custom(
            "must be one to five digits of the KldB 2010, such as 2, 26 or 26302",
        ));
    }
    Ok(code)
}

fn begins_a_code(text: &str) -> bool {
    if text.len() < 2 {
        return !text.is_empty() && GROUPS.iter().any(|group| group.group.starts_with(text));
    }
    let code = OccupationInput { code: text.to_owned(), skill_level: None, workers: None };
    Occupation::new(&code).is_ok()
}

impl Occupation {
    /// # Errors
    /// The field that is wrong, a code for what is wrong with it, and what would be right.
    pub fn new(input: &OccupationInput) -> Result<Self, (&'static str, &'static str, String)> {
        let not_one = || {
            let message = "must be two to five digits of the KldB 2010, beginning with one of its \
                           main groups, such as 26 or 26302";
            ("code", "not_an_occupation", message.to_owned())
        };
        let digits = input.code.bytes().all(|b| b.is_ascii_digit());
        if !digits || !(2..=5).contains(&input.code.len()) {
            return Err(not_one());
        }
        let group = group(&input.code[..2]).ok_or_else(not_one)?;
        let told = match input.code.as_bytes().get(4) {
            None => None,
            Some(b'1') => Some(SkillLevel::Helper),
            Some(b'2') => Some(SkillLevel::Skilled),
            Some(b'3') => Some(SkillLevel::Specialist),
            Some(b'4') => Some(SkillLevel::Expert),
            Some(_) => return Err(not_one()),
        };
        if told.is_some() && input.skill_level.is_some() && told != input.skill_level {
            let message = format!("must agree with the fifth digit of {}", input.code);
            return Err(("skill_level", "contradicts_code", message));
        }
        if input.workers.is_some_and(|workers| !(1..=MAX_WORKERS).contains(&workers)) {
            let message = format!("must be between 1 and {MAX_WORKERS}");
            return Err(("workers", "out_of_range", message));
        }
        Ok(Self {
            code: input.code.clone(),
            group: group.group.clone(),
            group_label_de: group.title_de.clone(),
            group_label_en: group.title_en.clone(),
            skill_level: told.or(input.skill_level),
            workers: input.workers,
        })
    }
}

impl From<&Occupation> for OccupationInput {
    fn from(occupation: &Occupation) -> Self {
        Self {
            code: occupation.code.clone(),
            skill_level: occupation.skill_level,
            workers: occupation.workers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(code: &str) -> OccupationInput {
        OccupationInput { code: code.to_owned(), skill_level: None, workers: None }
    }

    #[test]
    fn the_shipped_groups_are_whole() {
        assert_eq!(groups().len(), 37, "Berufshauptgruppen of the KldB 2010");
        for group in groups() {
            assert!(Occupation::new(&input(&group.group)).is_ok(), "{}", group.group);
        }
    }

    #[test]
    fn the_fifth_digit_tells_the_level() {
        let technician = Occupation::new(&input("26302")).unwrap();
        assert_eq!(technician.group, "26");
        assert_eq!(technician.skill_level, Some(SkillLevel::Skilled));
        assert_eq!(Occupation::new(&input("2630")).unwrap().skill_level, None);

        let told = OccupationInput { skill_level: Some(SkillLevel::Expert), ..input("26302") };
        assert_eq!(Occupation::new(&told).unwrap_err().0, "skill_level");
        let told = OccupationInput { skill_level: Some(SkillLevel::Expert), ..input("26") };
        assert_eq!(Occupation::new(&told).unwrap().skill_level, Some(SkillLevel::Expert));
    }

    #[test]
    fn the_first_digits_of_a_code_begin_one() {
        for text in ["2", "26", "263", "2630", "26302", "0"] {
            assert!(begins_a_code(text), "{text}");
        }
        for text in ["", "a", "2a", "00", "26305", "263021", "２", "%"] {
            assert!(!begins_a_code(text), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_code() {
        for code in ["", "2", "00", "99", "26305", "26300", "263021", "2a", "２６", "26-302"] {
            assert_eq!(Occupation::new(&input(code)).unwrap_err().0, "code", "{code}");
        }
        for workers in [0, -1, 10_001] {
            let many = OccupationInput { workers: Some(workers), ..input("26") };
            assert_eq!(Occupation::new(&many).unwrap_err().0, "workers");
        }
    }
}
