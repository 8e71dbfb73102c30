"""HTTP for programs: `POST /v1/search` and what belongs to it. Open when API_BIND is set; needs the extra [api]."""
