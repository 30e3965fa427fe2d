//! Purposes of residence (Aufenthaltszwecke) of people who come for work or to have a qualification
//! recognised, with the paragraph of the residence act. They are data in `data/residence_purposes.csv`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A purpose of residence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResidencePurpose {
    #[schema(example = "blue_card")]
    pub code: String,
    #[schema(example = "§ 18g AufenthG")]
    pub legal_basis: String,
    #[schema(example = "Blaue Karte EU")]
    pub label_de: String,
    #[schema(example = "EU Blue Card")]
    pub label_en: String,
}

static PURPOSES: LazyLock<Vec<ResidencePurpose>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/residence_purposes.csv").as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .expect("the purposes shipped with the program are well-formed; a test reads them")
});

/// All of them, in the order of the act.
#[must_use]
pub fn purposes() -> &'static [ResidencePurpose] {
    &PURPOSES
}

#[must_use]
pub fn purpose(code: &str) -> Option<&'static ResidencePurpose> {
    PURPOSES.iter().find(|purpose| purpose.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_found_by_its_code() {
        assert!(purposes().len() > 10);
        for known in purposes() {
            assert_eq!(purpose(&known.code), Some(known), "codes are unique");
            assert!(known.legal_basis.starts_with('§'), "{}", known.code);
        }
        assert_eq!(purpose("tourism"), None);
    }
}
