//! Lists: keyset pages with opaque cursors.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::{Error, Result};

pub const DEFAULT_LIMIT: u32 = 50;
pub const MAX_LIMIT: u32 = 200;

/// The parameters that every list takes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// How many items to answer at most, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, unchanged, with the same filters and order.
    pub cursor: Option<String>,
    /// Whether to count all items that match. Counting costs time; ask for it on the first page.
    #[param(default = false)]
    pub total: Option<bool>,
}

/// Where a page starts: after the item with this sort value and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub key: String,
    pub id: Uuid,
}

impl After {
    /// The sort value as the type of its column.
    ///
    /// # Errors
    /// `Malformed` when a cursor was tampered with.
    pub fn parse<K: std::str::FromStr>(&self) -> Result<K> {
        // Dates and instants, and ours have years of four digits, so none begins with a sign.
        if self.key.starts_with(['+', '-']) {
            return Err(broken_cursor());
        }
        self.key.parse().map_err(|_| broken_cursor())
    }
}

/// A page to fetch, ordered by a sort value and then by id.
#[derive(Clone, Debug)]
pub struct Paging {
    pub limit: u32,
    pub after: Option<After>,
    pub total: bool,
    query: String,
    /// The list is put together with others: whether there is a next page is seen there.
    is_part: bool,
}

impl Paging {
    /// `query` is what the list was asked for (filters and order): a cursor is bound to it.
    ///
    /// # Errors
    /// `Malformed` when the limit is out of bounds, or the cursor is broken or of another query.
    pub fn new(params: &PageParams, query: &impl Serialize) -> Result<Self> {
        let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::malformed_query(
                "limit",
                "out_of_range",
                "must be between 1 and 200",
            ));
        }
        let query = fingerprint(query)?;
        let after = match &params.cursor {
            None => None,
            Some(cursor) => {
                let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| broken_cursor())?;
                let (of, after): (String, After) =
                    serde_json::from_slice(&bytes).map_err(|_| broken_cursor())?;
                // PostgreSQL text cannot hold a NUL.
                if after.key.contains('\0') {
                    return Err(broken_cursor());
                }
                if of != query {
                    return Err(Error::malformed_query(
                        "cursor",
                        "cursor_of_another_query",
                        "belongs to a list with other filters or another order; start without a cursor",
                    ));
                }
                Some(after)
            }
        };
        Ok(Self { limit, after, total: params.total.unwrap_or(false), query, is_part: false })
    }

    /// How many rows to fetch: one more than asked for shows whether there is a next page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + i64::from(!self.is_part)
    }

    /// For each of the lists that this one is put together from: the place is the same, and as many items as
    /// this one fetches, which are not cut to a page before they are put together.
    #[must_use]
    pub fn of_part(&self) -> Self {
        Self { limit: self.limit + 1, is_part: true, ..self.clone() }
    }

    /// The page from up to [`Self::fetch`] items. `key` tells the sort value and id of an item.
    ///
    /// # Errors
    /// `Internal` when a sort value cannot be written as JSON.
    pub fn page<T>(
        &self,
        mut items: Vec<T>,
        total: Option<i64>,
        key: impl Fn(&T) -> (String, Uuid),
    ) -> Result<Page<T>> {
        let more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let next_cursor = match items.last() {
            Some(last) if more => {
                let (key, id) = key(last);
                let json = serde_json::to_vec(&(&self.query, After { key, id }))
                    .map_err(|error| Error::Internal(error.into()))?;
                Some(URL_SAFE_NO_PAD.encode(json))
            }
            _ => None,
        };
        Ok(Page { items, next_cursor, total })
    }
}

fn fingerprint(query: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(query).map_err(|error| Error::Internal(error.into()))?;
    Ok(URL_SAFE_NO_PAD.encode(&Sha256::digest(json)[..9]))
}

fn broken_cursor() -> Error {
    Error::malformed_query("cursor", "invalid_cursor", "is not a cursor of this API")
}

impl<T> Page<T> {
    /// The page with something else made of each item.
    #[must_use]
    pub fn map<U>(self, of: impl Fn(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(of).collect();
        Page { items, next_cursor: self.next_cursor, total: self.total }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// How many items match in all; only when asked for with `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(cursor: Option<String>) -> PageParams {
        PageParams { limit: Some(2), cursor, total: None }
    }

    #[test]
    fn a_cursor_continues_its_own_query_only() {
        let id = Uuid::from_u128(7);
        let first = Paging::new(&params(None), &"name").unwrap();
        let page = first.page(vec!["a", "b", "c"], None, |item| ((*item).to_owned(), id)).unwrap();
        assert_eq!(page.items, ["a", "b"]);

        let next = Paging::new(&params(page.next_cursor.clone()), &"name").unwrap();
        assert_eq!(next.after, Some(After { key: "b".to_owned(), id }));
        let other = Paging::new(&params(page.next_cursor), &"-name");
        assert!(matches!(other, Err(Error::Malformed { .. })));
        assert!(Paging::new(&params(Some("junk".to_owned())), &"name").is_err());
    }

    #[test]
    fn a_part_is_fetched_as_far_as_the_whole() {
        let paging = Paging::new(&params(None), &"id").unwrap();
        let part = paging.of_part();
        assert_eq!((paging.fetch(), part.fetch()), (3, 3));
        let kept = part.page(vec![1, 2, 3], None, |n| (n.to_string(), Uuid::nil())).unwrap();
        assert_eq!((kept.items, kept.next_cursor), (vec![1, 2, 3], None));
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let paging = Paging::new(&params(None), &"id").unwrap();
        let page = paging.page(vec![1, 2], None, |n| (n.to_string(), Uuid::nil())).unwrap();
        assert_eq!(page.next_cursor, None);
    }
}
