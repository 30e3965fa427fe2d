//! The codes of a dimension, numbered as they are met: records are counted by number.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use diesel::sql_types::Text;
use lotse_domain::statistics::{Dimension, GroupValue, TopicsAs};
use lotse_domain::{Error, Result};

use super::dimension::value;
use super::records::Record;
use crate::connection::Conn;
use crate::error::DbResult;
use crate::grouping::Labels;
use crate::schema::{carriers, districts, sites};
use crate::sql_types::{Cell, Key};

/// The number of records that have no value.
pub(super) const NONE: u32 = 0;

#[derive(Clone)]
struct Named {
    code: String,
    label: String,
    label_de: Option<String>,
}

impl Named {
    fn new(code: String, label: String) -> Self {
        Self { code, label, label_de: None }
    }
}

#[derive(QueryableByName)]
struct Topic {
    #[diesel(sql_type = Text)]
    recorded: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    label_en: String,
    #[diesel(sql_type = Text)]
    label_de: String,
}

pub(super) struct Codes {
    pub dimension: Dimension,
    /// What values mean that do not say it themselves: ids, and topics. Several may mean the same code: districts
    /// that were renamed, topics that were replaced.
    known: HashMap<Box<[u8]>, Named>,
    numbers: HashMap<Box<[u8]>, u32>,
    /// Year, and month or quarter of it.
    times: Vec<(i32, u32, u32)>,
    /// By number, from 1 on.
    met: Vec<Named>,
}

impl Codes {
    /// # Errors
    /// When the database cannot be read.
    pub fn of(conn: &mut Conn, dimension: Dimension, topics: TopicsAs) -> Result<Self> {
        let known = known(conn, dimension, topics)?;
        Ok(Self { dimension, known, numbers: HashMap::new(), times: Vec::new(), met: Vec::new() })
    }

    /// The numbers of the codes that a record has by itself. The dimension is the first, second or third that
    /// is grouped by.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn number_all(
        &mut self,
        record: &Record,
        place: usize,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        let from = numbers.len();
        let cell = [&record.cell_1, &record.cell_2, &record.cell_3][place].as_ref();
        match (self.dimension, cell) {
            (Dimension::Month | Dimension::Quarter | Dimension::Year, _) => {
                numbers.push(self.number_of_day(record.held_on.0)?);
            }
            (_, None) => numbers.push(NONE),
            (Dimension::Topic | Dimension::Country | Dimension::Occupation, Some(Cell(codes))) => {
                // A record without a topic is in no row.
                for code in codes.split(|byte| *byte == b',').filter(|code| !code.is_empty()) {
                    let number = self.number(code)?;
                    // Several topics may be one today.
                    if !numbers[from..].contains(&number) {
                        numbers.push(number);
                    }
                }
            }
            (_, Some(Cell(value))) => numbers.push(self.number(value)?),
        }
        Ok(())
    }

    fn number_of_day(&mut self, day: NaiveDate) -> Result<u32> {
        let (year, month) = (day.year(), day.month());
        let part = match self.dimension {
            Dimension::Month => month,
            Dimension::Quarter => day.quarter(),
            _ => 0,
        };
        if let Some((.., number)) = self.times.iter().find(|time| (time.0, time.1) == (year, part))
        {
            return Ok(*number);
        }
        let code = match self.dimension {
            Dimension::Month => format!("{year:04}-{month:02}"),
            Dimension::Quarter => format!("{year:04}-Q{part}"),
            _ => format!("{year:04}"),
        };
        let number = self.number(code.as_bytes())?;
        self.times.push((year, part, number));
        Ok(number)
    }

    /// The number of a value: an id, or the text of a code.
    ///
    /// # Errors
    /// When it is neither.
    pub fn number(&mut self, value: &[u8]) -> Result<u32> {
        if let Some(number) = self.numbers.get(value) {
            return Ok(*number);
        }
        let named = self.named(value)?;
        let met = self.met.iter().position(|met| met.code == named.code);
        let at = met.unwrap_or(self.met.len());
        if let Some(met) = self.met.get_mut(at) {
            met.label = std::mem::take(&mut met.label).max(named.label);
            met.label_de = met.label_de.take().max(named.label_de);
        } else {
            self.met.push(named);
        }
        let number = u32::try_from(at + 1).map_err(|error| Error::Internal(error.into()))?;
        self.numbers.insert(value.into(), number);
        Ok(number)
    }

    fn named(&self, value: &[u8]) -> Result<Named> {
        let by_name = matches!(
            self.dimension,
            Dimension::Site | Dimension::Carrier | Dimension::District | Dimension::Topic
        );
        if by_name {
            let named = self.known.get(value).cloned();
            return named.ok_or_else(|| Error::internal("a record names what there is not"));
        }
        let code = String::from_utf8(value.to_vec());
        let code = code.map_err(|error| Error::Internal(error.into()))?;
        Ok(Named::new(code.clone(), code))
    }

    fn met(&self, number: u32) -> Option<&Named> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.met.get(at)
    }

    /// What groups are sorted by, with what has no value last.
    pub fn label(&self, number: u32) -> (bool, Option<(&str, &str)>) {
        let named = self.met(number).map(|named| (named.label.as_str(), named.code.as_str()));
        (named.is_none(), named)
    }

    pub fn value(&self, number: u32) -> GroupValue {
        match self.met(number).cloned() {
            Some(Named { code, label, label_de }) => {
                value(self.dimension, code, Labels { de: label_de, en: Some(label) })
            }
            None => GroupValue::none(),
        }
    }
}

fn known(
    conn: &mut Conn,
    dimension: Dimension,
    topics_as: TopicsAs,
) -> Result<HashMap<Box<[u8]>, Named>> {
    let of_name = |(id, name): (Key, String)| {
        (id.0.as_bytes().as_slice().into(), Named::new(id.0.to_string(), name))
    };
    Ok(match dimension {
        Dimension::Site => {
            let rows = sites::table.select((sites::id, sites::name)).load(conn).db()?;
            rows.into_iter().map(of_name).collect()
        }
        Dimension::Carrier => {
            let rows = carriers::table.select((carriers::id, carriers::name)).load(conn).db()?;
            rows.into_iter().map(of_name).collect()
        }
        Dimension::District => {
            let rows: Vec<(Key, String, String)> = districts::table
                .select((districts::id, districts::key, districts::name))
                .load(conn)
                .db()?;
            rows.into_iter()
                .map(|(id, key, name)| (id.0.as_bytes().as_slice().into(), Named::new(key, name)))
                .collect()
        }
        Dimension::Topic => {
            let rows: Vec<Topic> = diesel::sql_query(match topics_as {
                TopicsAs::Recorded => {
                    "SELECT t.code AS recorded, t.code, t.label_en, t.label_de FROM topics t"
                }
                TopicsAs::Current => {
                    "SELECT r.code AS recorded, t.code, t.label_en, t.label_de
                    FROM current_topics n
                    JOIN topics r ON r.id = n.topic_id
                    JOIN topics t ON t.id = n.current_id"
                }
            })
            .load(conn)
            .db()?;
            rows.into_iter()
                .map(|Topic { recorded, code, label_en, label_de }| {
                    let named = Named { code, label: label_en, label_de: Some(label_de) };
                    (recorded.into_bytes().into(), named)
                })
                .collect()
        }
        _ => HashMap::new(),
    })
}
