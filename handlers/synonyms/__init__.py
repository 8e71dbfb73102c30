"""Words that learn: synonyms that are proposed to admins, from questions whose answer people confirmed."""
