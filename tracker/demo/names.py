"""Names of the demonstration, in both scripts: district seats as they are, settlements made of the usual words."""

# real district seats: Urdu, Pashto
SEATS = {
    "Abbottabad": ("ایبٹ آباد", "ایبټ اباد"), "Alpurai": ("الپوری", "الپورۍ"), "Bannu": ("بنوں", "بنو"),
    "Buni": ("بونی", "بونۍ"), "Charsadda": ("چارسدہ", "چارسده"), "Chitral": ("چترال", "چترال"), "Daggar": ("ڈگر", "ډګر"),
    "Dasu": ("داسو", "داسو"), "Datta Khel": ("دتہ خیل", "دته خېل"), "Dera Ismail Khan": ("ڈیرہ اسماعیل خان", "ډېره اسماعیل خان"),
    "Hangu": ("ہنگو", "هنګو"), "Haripur": ("ہری پور", "هريپور"), "Jamrud": ("جمرود", "جمرود"), "Karak": ("کرک", "کرک"),
    "Khar": ("خار", "خار"), "Kohat": ("کوہاٹ", "کوهاټ"), "Kulachi": ("کلاچی", "کولاچي"), "Lakki": ("لکی", "لکي"),
    "Landi Kotal": ("لنڈی کوتل", "لنډي کوتل"), "Mansehra": ("مانسہرہ", "مانسهره"), "Mardan": ("مردان", "مردان"),
    "Mingora": ("مینگورہ", "مینګوره"), "Miran Shah": ("میران شاہ", "میران شاه"), "Nowshera": ("نوشہرہ", "نوښار"),
    "Parachinar": ("پاراچنار", "پاړه چنار"), "Patan": ("پٹن", "پټن"), "Peshawar": ("پشاور", "پېښور"), "Swabi": ("صوابی", "صوابۍ"),
    "Tank": ("ٹانک", "ټانک"), "Thal": ("ٹل", "ټل"), "Timargara": ("تیمرگرہ", "تیمرګره"), "Upper Dir": ("دیر بالا", "بره دیر"),
    "Wana": ("وانا", "وانه"),
}

FIRST = (
    ("Tor", "تور"), ("Spin", "سپین"), ("Sra", "سرہ"), ("Zor", "زوڑ"), ("Nawe", "نوے"), ("Gul", "گل"), ("Mir", "میر"), ("Pir", "پیر"),
    ("Wali", "ولی"), ("Shah", "شاہ"), ("Amir", "امیر"), ("Khan", "خان"), ("Baz", "باز"), ("Sher", "شیر"), ("Malak", "ملک"),
    ("Haji", "حاجی"), ("Mian", "میاں"), ("Bibi", "بی بی"), ("Sardar", "سردار"), ("Jan", "جان"), ("Zaman", "زمان"), ("Nek", "نیک"),
    ("Sur", "سور"), ("Bar", "بر"), ("Kuz", "کوز"), ("Landi", "لنڈی"), ("Daud", "داؤد"), ("Musa", "موسیٰ"), ("Yusuf", "یوسف"),
    ("Akbar", "اکبر"), ("Ghazi", "غازی"), ("Babar", "بابر"),
)
LAST = (
    ("Kalay", "کلے"), ("Banda", "بانڈہ"), ("Garhi", "گڑھی"), ("Khel", "خیل"), ("Abad", "آباد"), ("Tangi", "تنگی"), ("Ghundi", "غنڈی"),
    ("Dheri", "ڈھیری"), ("Kot", "کوٹ"), ("Khwar", "خوڑ"), ("Mela", "میلہ"), ("Killa", "قلعہ"), ("Pur", "پور"), ("Koroona", "کورونہ"),
    ("Dara", "درہ"), ("Kandao", "کنڈاؤ"), ("Cham", "چم"), ("Patay", "پٹے"), ("Darra", "درہ بالا"), ("Serai", "سرائے"),
)


def settlement_name(n: int) -> tuple[str, str]:
    """The n-th name, English and Urdu. After 640 they come again: villages of different valleys share names in life too."""
    first, last = FIRST[n % len(FIRST)], LAST[(n // len(FIRST) + n * 7) % len(LAST)]
    return f"{first[0]} {last[0]}", f"{first[1]} {last[1]}"
