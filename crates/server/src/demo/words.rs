//! What names and notes are made of. The parts are common; the wholes are invented.

pub const NAME_STARTS: [&str; 24] = [
    "Alm", "Birk", "Dorn", "Eich", "Falk", "Glück", "Hell", "Ilm", "Kron", "Lahr", "Mohn", "Nebel",
    "Öl", "Perl", "Quell", "Röhr", "Silber", "Tann", "Ulmen", "Vogt", "Wald", "Zeder", "Brünn",
    "Möwen",
];
pub const NAME_MIDDLES: [&str; 6] = ["en", "er", "ing", "el", "a", "um"];
pub const NAME_ENDS: [&str; 16] = [
    "bach", "berg", "feld", "hof", "horst", "kamp", "lind", "mark", "ried", "see", "stett", "tal",
    "wang", "werk", "brück", "höh",
];

/// Trade, WZ 2008 division, weight.
pub const TRADES: [(&str, &str, u32); 30] = [
    ("Metallbau", "25", 8),
    ("Maschinenbau", "28", 7),
    ("Elektrotechnik", "43.2", 8),
    ("Sanitär und Heizung", "43.22", 6),
    ("Hochbau", "41", 5),
    ("Tiefbau", "42", 3),
    ("Dachtechnik", "43.91", 3),
    ("Pflegedienst", "88.1", 9),
    ("Seniorenzentrum", "87.3", 9),
    ("Klinik", "86.1", 6),
    ("Praxisverbund", "86.2", 2),
    ("Gastronomie", "56.1", 6),
    ("Hotelbetriebe", "55.1", 6),
    ("Spedition", "49.4", 7),
    ("Lagerlogistik", "52.1", 5),
    ("Software", "62.0", 6),
    ("Datentechnik", "62.0", 3),
    ("Ingenieurbüro", "71.1", 5),
    ("Prüftechnik", "71.2", 2),
    ("Bäckerei", "10.7", 4),
    ("Fleischerei", "10.1", 3),
    ("Kunststofftechnik", "22.2", 4),
    ("Chemie", "20", 3),
    ("Optik", "26.7", 2),
    ("Autohaus", "45.1", 4),
    ("Großhandel", "46", 4),
    ("Gebäudeservice", "81.2", 5),
    ("Gartenbau", "81.3", 3),
    ("Kindertagesstätten", "88.91", 4),
    ("Bildungswerkstatt", "85.5", 2),
];

pub const TOWNS: [&str; 12] = [
    "Musterau",
    "Probstein",
    "Beispielbach",
    "Exempelhausen",
    "Neumuster",
    "Altprobe",
    "Musterfelde",
    "Beispielrode",
    "Probenau",
    "Mustertal",
    "Exempelberg",
    "Beispielheim",
];

pub const STREETS: [&str; 8] = [
    "Musterweg",
    "Probestraße",
    "Beispielallee",
    "Exempelgasse",
    "Am Musterplatz",
    "Im Beispiel",
    "Zur Probe",
    "Musterring",
];

pub const FIRST_NAMES: [&str; 24] = [
    "Ada", "Ben", "Cora", "Dario", "Elif", "Finn", "Greta", "Hakan", "Ida", "Jona", "Kira", "Levi",
    "Mila", "Nuri", "Olga", "Pia", "Quentin", "Runa", "Sami", "Tilda", "Uli", "Vera", "Wim",
    "Yara",
];
/// Nobody is called so.
pub const LAST_NAMES: [&str; 16] = [
    "Musterfeld",
    "Beispielberg",
    "Probstadt",
    "Exempelmann",
    "Musterlind",
    "Probenau",
    "Beispieler",
    "Mustermeier",
    "Exempelhof",
    "Probinger",
    "Musterhagen",
    "Beispielow",
    "Probewald",
    "Mustersen",
    "Exempelthal",
    "Beispielstein",
];

pub const FUNCTIONS: [&str; 6] = [
    "Personalleitung",
    "Geschäftsführung",
    "Ausbildungsleitung",
    "Pflegedienstleitung",
    "Recruiting",
    "Assistenz der Geschäftsführung",
];

pub const CONCERNS: [&str; 10] = [
    "Zwei offene Stellen seit über sechs Monaten.",
    "Erste Anfrage zum Verfahren, bisher keine Erfahrung mit Einreise.",
    "Unterlagen für die Anerkennung besprochen.",
    "Zuständigkeit der Ausländerbehörde geklärt.",
    "Ablauf und Fristen erläutert.",
    "Möglichkeiten der Qualifizierung im Betrieb verglichen.",
    "Fragen zu Sprachförderung und Einarbeitung.",
    "Wohnraum ist das größte Hindernis.",
    "Bewerbung liegt vor, Einstellung geplant.",
    "Austausch zum Stand der laufenden Verfahren.",
];
pub const NEXT_STEPS: [&str; 6] = [
    "Checkliste zugesandt.",
    "Folgetermin nach Rückmeldung der Behörde.",
    "Kontakt zum Arbeitgeber-Service hergestellt.",
    "Betrieb klärt intern und meldet sich.",
    "Musterunterlagen bereitgestellt.",
    "Kein weiterer Bedarf.",
];

pub const THEMES: [&str; 8] = [
    "Wege zur Beschäftigung aus Drittstaaten",
    "Anerkennung in der Praxis",
    "Das beschleunigte Fachkräfteverfahren",
    "Ankommen im Betrieb",
    "Sprache am Arbeitsplatz",
    "Zusammenarbeit der Behörden",
    "Pflege: gewinnen und halten",
    "Handwerk international",
];
pub const SPEAKER_ROLES: [&str; 5] = [
    "Leitung der Ausländerbehörde",
    "Beratung zur Anerkennung",
    "Bericht aus dem Betrieb",
    "Moderation",
    "Grußwort",
];

pub const TASKS: [&str; 8] = [
    "Nachfragen, ob die Behörde geantwortet hat",
    "Checkliste zum beschleunigten Verfahren zusenden",
    "Rückruf zur Anerkennung der Qualifikation",
    "Ansprechpartner beim Arbeitgeber-Service nennen",
    "Termin im Betrieb vereinbaren",
    "Stand der Vollmacht klären",
    "Unterlagen zur Qualifizierung im Betrieb schicken",
    "Nach Rückmeldung des Betriebs fragen",
];
pub const TASK_RESULTS: [&str; 4] = [
    "Erledigt, Betrieb ist informiert.",
    "Rückmeldung liegt vor.",
    "Unterlagen zugesandt.",
    "Kein weiterer Bedarf.",
];
pub const REFERRAL_REASONS: [&str; 5] = [
    "Anerkennung der Berufsqualifikation",
    "Beschleunigtes Fachkräfteverfahren",
    "Vermittlung von Bewerberinnen und Bewerbern",
    "Sprachförderung im Betrieb",
    "Ausbildung und Ausbildungsvorbereitung",
];
pub const REFERRAL_RESULTS: [&str; 4] = [
    "Antrag gestellt, Verfahren läuft.",
    "Beratung hat stattgefunden.",
    "Förderung bewilligt.",
    "Kein Angebot gefunden.",
];

/// What is agreed on with a company, and how it is told whether it was reached.
pub const GOALS: [(&str, &str); 3] = [
    ("Zwei Stellen besetzt", "Unterzeichnete Arbeitsverträge"),
    ("Einarbeitung steht", "Plan liegt vor, Mentor:in ist benannt"),
    ("Betrieb kennt die Wege der Einwanderung", "Nächster Fall wird selbst vorbereitet"),
];

pub const PAUSE_REASONS: [&str; 4] =
    ["Betriebsferien", "Hauptsaison", "Wechsel in der Personalleitung", "Krankheit im Betrieb"];

pub const REJECT_REASONS: [&str; 3] =
    ["Derzeit keine offene Stelle", "Außerhalb der Region", "Beratung genügt"];

pub const VACANCIES: [&str; 8] = [
    "Pflegefachkraft",
    "Elektroniker:in für Betriebstechnik",
    "Koch/Köchin",
    "Berufskraftfahrer:in",
    "Anlagenmechaniker:in SHK",
    "Softwareentwickler:in",
    "Mechatroniker:in",
    "Auszubildende:r in der Hotellerie",
];
