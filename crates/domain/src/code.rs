//! Closed sets of codes: lower-case words on the wire and in the database, an enum in the code.

/// A closed set whose members have a code and, in `data/labels.csv`, a German and an English label.
pub trait Code: Copy + Sized + 'static {
    /// The name of the set, as in the code lists.
    const SET: &'static str;

    fn code(self) -> &'static str;
    fn from_code(code: &str) -> Option<Self>;
    fn all() -> Vec<Self>;
}

/// Declares an enum as a closed set of codes. One macro, because serde, the database and the code
/// lists must agree on the spelling of every member.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        $set:literal $name:ident { $($(#[$member_meta:meta])* $member:ident),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
            strum::EnumString, strum::IntoStaticStr, strum::EnumIter,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$member_meta])* $member),+ }

        impl $crate::code::Code for $name {
            const SET: &'static str = $set;

            fn code(self) -> &'static str {
                self.into()
            }

            fn from_code(code: &str) -> Option<Self> {
                code.parse().ok()
            }

            fn all() -> Vec<Self> {
                <Self as strum::IntoEnumIterator>::iter().collect()
            }
        }
    };
}
pub(crate) use codes;
