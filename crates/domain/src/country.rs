//! Countries that workers come from: ISO 3166-1 alpha-2, and XK for Kosovo, which has no code of its
//! own there. Names are those of the Unicode CLDR.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// A country with its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Country {
    #[schema(example = "MA")]
    pub code: String,
    #[schema(example = "Marokko")]
    pub label_de: String,
    #[schema(example = "Morocco")]
    pub label_en: String,
}

static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../data/countries.csv").as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .expect("the countries shipped with the program are well-formed; a test reads them")
});

/// All of them, by code.
#[must_use]
pub fn all() -> &'static [Country] {
    &COUNTRIES
}

#[must_use]
pub fn find(code: &str) -> Option<&'static Country> {
    let at = COUNTRIES.binary_search_by(|country| country.code.as_str().cmp(code)).ok()?;
    COUNTRIES.get(at)
}

/// Reads the code of a country that a list is filtered by, which may be absent.
///
/// # Errors
/// When it is none.
pub fn filter_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    if code.as_deref().is_some_and(|code| find(code).is_none()) {
        return Err(de::Error::custom("must be an ISO 3166-1 alpha-2 code such as MA, or XK"));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_found_by_its_code() {
        assert_eq!(all().len(), 250, "249 of ISO 3166-1 and Kosovo");
        for country in all() {
            assert_eq!(find(&country.code), Some(country), "{}", country.code);
            assert_eq!(country.code.len(), 2);
        }
        assert_eq!(find("XK").unwrap().label_en, "Kosovo");
        for wrong in ["", "D", "de", "ZZ", "DEU", "AN"] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
    }
}
