//! The indicators that ship with the program, in the form that they are created in.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Context, Indicator, IndicatorEvent, IndicatorInput, IndicatorStatus};
use crate::error::Result;
use crate::id::IndicatorId;

/// An indicator with the id of its first version.
#[derive(Clone, Debug)]
pub struct Shipped {
    pub id: IndicatorId,
    pub input: IndicatorInput,
}

impl Shipped {
    /// The first version, active with the program.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule; a test says that it does not.
    pub fn active(&self, at: DateTime<Utc>) -> Result<Indicator> {
        let draft = Indicator::new(self.id, at, &self.input, &Context::default())?;
        let activated = Some(IndicatorEvent { at, by: None });
        Ok(Indicator { status: IndicatorStatus::Active, activated, ..draft })
    }
}

static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
    let inputs: Vec<IndicatorInput> =
        serde_json::from_str(include_str!("../../data/indicators.json"))
            .expect("the indicators shipped with the program are well-formed; a test reads them");
    (0x0189_0000_0000_7000_8000_0000_0000_0701_u128..)
        .zip(inputs)
        .map(|(id, input)| Shipped { id: Uuid::from_u128(id).into(), input })
        .collect()
});

/// In the order of the file, to which new ones are added at the end: their ids are counted.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    &SHIPPED
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_ships_keeps_the_rules() {
        let mut codes = HashSet::new();
        for indicator in shipped() {
            let active = indicator.active(DateTime::UNIX_EPOCH).unwrap();
            assert!(codes.insert(active.code.clone()), "{} twice", active.code);
        }
        assert!(codes.contains("eeco18") && codes.contains("eeco19"));
    }
}
