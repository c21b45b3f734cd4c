"""What is known of species before a campaign says more: caps and altitudes. Names in lower case."""

DEFAULT_CAPS = {"eucalyptus": 0.10}  # share of an implementer's stems, as the province's programme set it
DEFAULT_RANGES_M = {"chir pine": (450.0, 2_300.0), "pinus roxburghii": (450.0, 2_300.0)}
