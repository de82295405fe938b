"""Finding samples: what each says column by column, and which of them answer a search and its filters."""
