-- +goose Up

-- What operators chose instead of the limits of the configuration.
CREATE TABLE limit_budgets (
    class  TEXT PRIMARY KEY CHECK (class <> ''),
    budget TEXT NOT NULL CHECK (budget <> '') -- such as 100/1m0s,1000/1h0m0s
) STRICT, WITHOUT ROWID;
