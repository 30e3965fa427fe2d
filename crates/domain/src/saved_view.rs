//! Saved views (gespeicherte Ansichten): a list with its filter and order, under a name. Its owner has
//! it alone, or shares it in the carrier.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::actor::ActorFilter;
use crate::check::{Checks, shape_violation};
use crate::code::codes;
use crate::company::{CompanyFilter, check_not_archived};
use crate::consultation::ConsultationFilter;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{CarrierId, SavedViewId, TagId};
use crate::name::fold;
use crate::policy::{Actor, Role};

/// More than this is no filter that somebody put together; addresses have an end too.
const MAX_QUERY: usize = 4000;

codes! {
    /// The lists that a view can be of.
    "saved_view_list" SavedViewList { Companies, Actors, Consultations }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Große Firmen in Frankfurt", "list": "companies",
    "filter": {"district_id": "01890000-0000-7000-8000-000006412000", "size_class": "large"},
    "sort": "-updated_at", "shared": true
}))]
pub struct SavedViewInput {
    /// Unique among the owner's views of the list, whatever its case, umlauts, accents and punctuation.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// It stays.
    pub list: SavedViewList,
    /// Query parameters of the list, without `sort` and those of pages. Not checked is whether what an id
    /// names is still there: then the list is empty.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub filter: Map<String, Value>,
    /// One of the orders of the list; its default unless told.
    #[schema(example = "-updated_at")]
    pub sort: Option<String>,
    /// Whether everybody of the carrier finds it.
    #[serde(default)]
    pub shared: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    pub id: SavedViewId,
    pub carrier: Reference,
    pub owner: Reference,
    pub name: String,
    pub list: SavedViewList,
    #[schema(value_type = Object, example = json!({"size_class": "large"}))]
    pub filter: Map<String, Value>,
    #[schema(required)]
    pub sort: Option<String>,
    /// The query string that asks the list for it.
    #[schema(example = "size_class=large&sort=-updated_at")]
    pub query: String,
    pub shared: bool,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SavedViewFilter {
    pub list: Option<SavedViewList>,
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}

impl SavedView {
    /// `tag_is_known` tells whether the own carrier has a tag: another one's is as unknown as none.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; the shape of the filter is looked at first.
    pub fn new(
        id: SavedViewId,
        now: DateTime<Utc>,
        input: &SavedViewInput,
        owner: Reference,
        carrier: Reference,
        tag_is_known: bool,
    ) -> Result<Self> {
        let (filter, sort) = parsed(input)?;
        let query = query(&filter, sort.as_deref())?;
        let mut checks = Checks::new();
        let name = checks.line("/name", &input.name, 100);
        checks.require(
            name.is_empty() || !fold(&name).is_empty(),
            "/name",
            "no_letters",
            "must have letters or digits",
        );
        for (parameter, value) in &filter {
            let stray = value.as_str().is_some_and(|text| text.chars().any(char::is_control));
            checks.require(
                !stray,
                &format!("/filter/{parameter}"),
                "control_character",
                "must not contain control characters",
            );
        }
        checks.require(
            query.len() <= MAX_QUERY,
            "/filter",
            "too_long",
            "must not have more than 4000 characters as a query",
        );
        checks.require(tag_is_known, "/filter/tag_id", "unknown", "there is no such tag");
        checks.finish()?;
        Ok(Self {
            id,
            carrier,
            owner,
            name,
            list: input.list,
            filter,
            sort,
            query,
            shared: input.shared,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// As [`Self::new`]; also when the list would be another; `Conflict` when it is archived.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        input: &SavedViewInput,
        tag_is_known: bool,
    ) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        if input.list != self.list {
            return Err(Error::invalid("/list", "immutable", "cannot change; save another view"));
        }
        let (owner, carrier) = (self.owner.clone(), self.carrier.clone());
        let new = Self::new(self.id, now, input, owner, carrier, tag_is_known)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    /// # Errors
    /// `Conflict` when it is archived already.
    pub fn archived(&self, now: DateTime<Utc>, reason: String) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        Ok(Self {
            archived: Some(Archived { at: now, reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// Owners change theirs, managers those that are shared in the carrier too.
    ///
    /// # Errors
    /// `Forbidden` for the others who find it.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        let owns = self.owner.id == actor.user_id.0;
        if owns || (self.shared && actor.role == Role::Manager) {
            Ok(())
        } else {
            Err(Error::Forbidden("Only the owner of a view and managers change it.".to_owned()))
        }
    }

    /// As it is recorded: the query is derived from filter and order.
    #[must_use]
    pub fn without_query(&self) -> Self {
        Self { query: String::new(), ..self.clone() }
    }
}

impl SavedViewInput {
    /// The tag that it filters by, as far as it is one.
    #[must_use]
    pub fn tag_id(&self) -> Option<TagId> {
        serde_json::from_value(self.filter.get("tag_id")?.clone()).ok()
    }
}

/// The query string of a filter and an order. It asks what was saved, whatever the list takes today.
///
/// # Errors
/// `Internal` when a parameter is a list or an object, which no filter has.
pub fn query(filter: &Map<String, Value>, sort: Option<&str>) -> Result<String> {
    let sort = sort.map(|sort| ("sort", Value::from(sort)));
    let parameters: Vec<(&str, Value)> =
        filter.iter().map(|(name, value)| (name.as_str(), value.clone())).chain(sort).collect();
    serde_html_form::to_string(parameters).map_err(|error| Error::Internal(error.into()))
}

/// Filter and order as the list itself reads them, without what is absent.
fn parsed(input: &SavedViewInput) -> Result<(Map<String, Value>, Option<String>)> {
    if input.filter.contains_key("sort") {
        return Err(Error::invalid("/filter/sort", "unknown_field", "stands beside the filter"));
    }
    let mut parameters = input.filter.clone();
    if let Some(sort) = &input.sort {
        parameters.insert("sort".to_owned(), Value::from(sort.as_str()));
    }
    let mut parameters = match input.list {
        SavedViewList::Companies => read::<CompanyFilter>(parameters),
        SavedViewList::Actors => read::<ActorFilter>(parameters),
        SavedViewList::Consultations => read::<ConsultationFilter>(parameters),
    }?;
    parameters.retain(|_, value| !value.is_null());
    let sort = parameters.remove("sort").and_then(|sort| sort.as_str().map(str::to_owned));
    Ok((parameters, sort))
}

/// Every parameter of the filter, null where it is absent.
fn read<F: Serialize + DeserializeOwned>(
    parameters: Map<String, Value>,
) -> Result<Map<String, Value>> {
    let filter: F =
        serde_path_to_error::deserialize(Value::Object(parameters)).map_err(|error| {
            let mut violation = shape_violation(error.path(), error.inner());
            if violation.pointer != "/sort" {
                violation.pointer.insert_str(0, "/filter");
            }
            Error::Invalid(vec![violation])
        })?;
    match serde_json::to_value(&filter) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(_) => Err(Error::internal("a filter is no object")),
        Err(error) => Err(Error::Internal(error.into())),
    }
}

impl From<&SavedView> for SavedViewInput {
    fn from(view: &SavedView) -> Self {
        // With those that are absent, so that a patch may clear what is clear already. A parameter that
        // the list no longer takes stays, and is refused when the view is changed.
        let all = match view.list {
            SavedViewList::Companies => read::<CompanyFilter>(Map::new()),
            SavedViewList::Actors => read::<ActorFilter>(Map::new()),
            SavedViewList::Consultations => read::<ConsultationFilter>(Map::new()),
        };
        let mut filter = all.unwrap_or_default();
        filter.remove("sort");
        filter.extend(view.filter.clone());
        Self {
            name: view.name.clone(),
            list: view.list,
            filter,
            sort: view.sort.clone(),
            shared: view.shared,
        }
    }
}

impl Entity for SavedView {
    const KIND: EntityKind = EntityKind::SavedView;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn view(list: &str, filter: &Value, sort: Option<&str>) -> Result<SavedView> {
        let input = json!({"name": "Ansicht", "list": list, "filter": filter, "sort": sort});
        let input: SavedViewInput = serde_json::from_value(input).unwrap();
        let somebody = Reference::new(Uuid::nil(), "Jemand");
        let id = SavedViewId(Uuid::nil());
        SavedView::new(id, DateTime::UNIX_EPOCH, &input, somebody.clone(), somebody, true)
    }

    #[track_caller]
    fn refused(list: &str, filter: &Value, sort: Option<&str>) -> (String, String) {
        match view(list, filter, sort) {
            Err(Error::Invalid(mut errors)) => {
                let error = errors.remove(0);
                (error.pointer, error.code)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_filter_is_what_its_list_takes() {
        let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        let colour = json!({"colour": "red"});
        assert_eq!(refused("actors", &colour, None), at("/filter/colour", "unknown_field"));
        let size = json!({"size_class": "huge"});
        assert_eq!(refused("companies", &size, None), at("/filter/size_class", "wrong_type"));
        let size = json!({"size_class": "large"});
        assert_eq!(refused("actors", &size, None), at("/filter/size_class", "unknown_field"));
        assert_eq!(refused("actors", &json!({}), Some("size")), at("/sort", "wrong_type"));
        let sort = json!({"sort": "name"});
        assert_eq!(refused("actors", &sort, None), at("/filter/sort", "unknown_field"));
        let page = json!({"limit": 5});
        assert_eq!(refused("actors", &page, None), at("/filter/limit", "unknown_field"));
        let day = json!({"from": "2026-02-31"});
        assert_eq!(refused("consultations", &day, None), at("/filter/from", "wrong_type"));
        for (parameter, code) in [("country", "ma"), ("occupation", "2a"), ("occupation", "")] {
            let pointer = format!("/filter/{parameter}");
            let filter = json!({parameter: code});
            assert_eq!(refused("consultations", &filter, None), at(&pointer, "wrong_type"));
        }
        let absent = json!({"country": null, "occupation": null});
        assert!(view("consultations", &absent, None).unwrap().filter.is_empty());
        let long = json!({"q": "x".repeat(5000)});
        assert_eq!(refused("companies", &long, None), at("/filter", "too_long"));
        let stray = json!({"q": "a\nb"});
        assert_eq!(refused("companies", &stray, None), at("/filter/q", "control_character"));
    }

    #[test]
    fn the_query_asks_for_the_filter() {
        let filter = json!({"q": "Müller & Söhne", "archived": true, "status": null});
        let made = view("companies", &filter, Some("-name")).unwrap();
        assert_eq!(made.query, "archived=true&q=M%C3%BCller+%26+S%C3%B6hne&sort=-name");
        assert!(!made.filter.contains_key("status"), "what is absent is not kept");
        let read: CompanyFilter = serde_html_form::from_str(&made.query).unwrap();
        assert_eq!(read.q.as_deref(), Some("Müller & Söhne"));
        assert_eq!(view("actors", &json!({}), None).unwrap().query, "");
    }
}
