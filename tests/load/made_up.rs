//! Companies that are made up, the same ones every time: what a register of a hundred thousand is measured
//! with, and what the rule for duplicates is judged by.

use std::collections::HashSet;

use lotse_domain::company::CompanyInput;
use lotse_domain::name::fold;
use serde_json::json;

const STARTS: [&str; 40] = [
    "Acker", "Alten", "Bach", "Berg", "Birken", "Blumen", "Brück", "Dorn", "Eber", "Eichen",
    "Falken", "Feld", "Förster", "Grün", "Hart", "Heide", "Hirsch", "Hof", "Kalten", "Kirch",
    "König", "Kron", "Lang", "Linden", "Mühl", "Neu", "Ober", "Öhl", "Rosen", "Roth", "Sand",
    "Schön", "Silber", "Stein", "Tannen", "Unter", "Vogel", "Wald", "Weiß", "Winter",
];
const ENDS: [&str; 24] = [
    "mann", "bauer", "berger", "hofer", "meier", "stein", "bach", "feld", "müller", "huber",
    "thal", "dorf", "kamp", "wald", "schmidt", "becker", "er", "ing", "lich", "rath", "wig",
    "hardt", "helm", "beck",
];
const COMMON: [&str; 24] = [
    "Müller",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Meyer",
    "Wagner",
    "Becker",
    "Schulz",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Krüger",
    "Yılmaz",
    "Kaya",
    "Nowak",
];
const TRADES: [&str; 48] = [
    "Metallbau",
    "Maschinenbau",
    "Elektrotechnik",
    "Sanitär und Heizung",
    "Hochbau",
    "Tiefbau",
    "Dachtechnik",
    "Pflegedienst",
    "Seniorenzentrum",
    "Klinik",
    "Praxisverbund",
    "Gastronomie",
    "Hotelbetriebe",
    "Spedition",
    "Lagerlogistik",
    "Software",
    "Datentechnik",
    "Ingenieurbüro",
    "Prüftechnik",
    "Bäckerei",
    "Fleischerei",
    "Kunststofftechnik",
    "Chemie",
    "Optik",
    "Autohaus",
    "Großhandel",
    "Gebäudeservice",
    "Gartenbau",
    "Kindertagesstätten",
    "Bildungswerkstatt",
    "Zimmerei",
    "Tischlerei",
    "Malerbetrieb",
    "Fensterbau",
    "Werkzeugbau",
    "Fördertechnik",
    "Medizintechnik",
    "Druckerei",
    "Verlag",
    "Textilpflege",
    "Catering",
    "Sicherheitsdienst",
    "Personalservice",
    "Immobilien",
    "Steuerberatung",
    "Solartechnik",
    "Kältetechnik",
    "Landtechnik",
];
const SYLLABLES: [&str; 24] = [
    "no", "va", "sol", "vi", "ra", "tec", "lu", "men", "cor", "dia", "nex", "ora", "pri", "ma",
    "ter", "zen", "al", "gra", "fi", "du", "ko", "sta", "bel", "qui",
];
const FORMS: [(&str, u32); 9] = [
    ("GmbH", 52),
    ("GmbH & Co. KG", 14),
    ("AG", 4),
    ("UG (haftungsbeschränkt)", 4),
    ("e.K.", 6),
    ("KG", 3),
    ("OHG", 2),
    ("gGmbH", 4),
    ("", 11),
];
const TOWNS: [(&str, &str); 24] = [
    ("60311", "Frankfurt am Main"),
    ("63450", "Hanau"),
    ("35390", "Gießen"),
    ("35576", "Wetzlar"),
    ("34117", "Kassel"),
    ("36037", "Fulda"),
    ("64283", "Darmstadt"),
    ("65183", "Wiesbaden"),
    ("63065", "Offenbach am Main"),
    ("35037", "Marburg"),
    ("61348", "Bad Homburg"),
    ("65428", "Rüsselsheim"),
    ("36251", "Bad Hersfeld"),
    ("34576", "Homberg (Efze)"),
    ("35683", "Dillenburg"),
    ("65549", "Limburg"),
    ("64625", "Bensheim"),
    ("61169", "Friedberg"),
    ("36304", "Alsfeld"),
    ("34497", "Korbach"),
    ("37269", "Eschwege"),
    ("63739", "Aschaffenburg"),
    ("64711", "Erbach"),
    ("65343", "Eltville"),
];

/// Numbers that look like chance (`SplitMix64`).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    pub fn in_hundred(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

#[derive(Clone, Debug)]
pub struct MadeUp {
    /// The name without its legal form.
    pub words: String,
    pub form: &'static str,
    pub postcode: &'static str,
    pub city: &'static str,
    pub register_number: Option<String>,
    pub vat_id: Option<String>,
    pub website: Option<String>,
}

impl MadeUp {
    pub fn name(&self) -> String {
        format!("{} {}", self.words, self.form).trim_end().to_owned()
    }

    pub fn input(&self) -> CompanyInput {
        let input = json!({
            "name": self.name(),
            "register_number": self.register_number,
            "vat_id": self.vat_id,
            "website": self.website,
            "address": {"postcode": self.postcode, "city": self.city},
        });
        serde_json::from_value(input).unwrap()
    }
}

/// A number of eight digits with its check digit (ISO/IEC 7064, MOD 11,10).
fn german_vat_id(number: u64) -> String {
    let digits = number.to_string().into_bytes();
    let product = digits.iter().fold(10, |product, digit| {
        let sum = (product + u64::from(digit - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    format!("DE{number}{}", (11 - product) % 10)
}

/// Makes companies of which no two are of the same name in the same town, nor have the same number or domain.
pub struct Register {
    pub random: Random,
    made: u64,
    names: HashSet<(String, &'static str)>,
    domains: HashSet<String>,
}

impl Register {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), made: 0, names: HashSet::new(), domains: HashSet::new() }
    }

    pub fn company(&mut self) -> MadeUp {
        let (words, postcode, city) = loop {
            let words = self.words();
            let (postcode, city) = self.town();
            if self.names.insert((words.clone(), city)) {
                break (words, postcode, city);
            }
        };
        self.made += 1;
        let made = self.made;
        let register_number = self.random.in_hundred(50).then(|| {
            let section = if self.random.in_hundred(80) { "HRB" } else { "HRA" };
            format!("{section} {} {city}", 1000 + made)
        });
        // Spread over all numbers, so that they have nothing in common.
        let number = 10_000_000 + made * 7_368_787 % 89_999_999;
        let vat_id = self.random.in_hundred(45).then(|| german_vat_id(number));
        let domain = fold(&words).replace(' ', "-");
        let website = (self.random.in_hundred(60) && self.domains.insert(domain.clone()))
            .then(|| format!("https://www.{domain}.example"));
        MadeUp { words, form: self.form(), postcode, city, register_number, vat_id, website }
    }

    pub fn town(&mut self) -> (&'static str, &'static str) {
        self.random.pick(&TOWNS)
    }

    pub fn form(&mut self) -> &'static str {
        let mut place = self.random.below(100);
        for (form, weight) in FORMS {
            if place < weight as usize {
                return form;
            }
            place -= weight as usize;
        }
        ""
    }

    pub fn surname(&mut self) -> String {
        if self.random.in_hundred(35) {
            return self.random.pick(&COMMON).to_owned();
        }
        format!("{}{}", self.random.pick(&STARTS), self.random.pick(&ENDS))
    }

    fn words(&mut self) -> String {
        let trade = self.random.pick(&TRADES);
        match self.random.below(100) {
            0..35 => format!("{} {trade}", self.surname()),
            35..45 => format!("{trade} {}", self.surname()),
            45..55 => format!("{} & {} {trade}", self.surname(), self.surname()),
            55..65 => format!("{} & Söhne {trade}", self.surname()),
            65..70 => format!("{trade} {}", self.town().1),
            _ => {
                let syllables = 2 + self.random.below(2);
                let mut name: String =
                    (0..syllables).map(|_| self.random.pick(&SYLLABLES)).collect();
                name[..1].make_ascii_uppercase();
                format!("{name} {trade}")
            }
        }
    }
}
