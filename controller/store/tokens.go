package store

import (
	"context"
	"fmt"
	"time"

	"berth/controller"
)

// CreateToken stores a token and gives it its id.
func (s *Store) CreateToken(ctx context.Context, token controller.Token) (controller.Token, error) {
	token.CreatedAt, token.ExpiresAt = stored(token.CreatedAt), stored(token.ExpiresAt)
	err := s.writer.QueryRowContext(ctx, `
INSERT INTO tokens (name, hash, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?) RETURNING id`,
		token.Name, token.Hash, token.Scope, micros(token.CreatedAt), micros(token.ExpiresAt)).Scan(&token.ID)
	if err != nil {
		return controller.Token{}, fmt.Errorf("create token: %w", err)
	}
	return token, nil
}

// FindToken returns the token of that hash, expired or not.
func (s *Store) FindToken(ctx context.Context, hash string) (controller.Token, error) {
	token := controller.Token{Hash: hash}
	err := s.reader.QueryRowContext(ctx, `
SELECT id, name, scope, created_at, expires_at FROM tokens WHERE hash = ?`, hash).
		Scan(&token.ID, &token.Name, &token.Scope, timeColumn{&token.CreatedAt}, timeColumn{&token.ExpiresAt})
	if err != nil {
		return controller.Token{}, fmt.Errorf("find token: %w", orNotFound(err))
	}
	return token, nil
}

// DeleteExpiredTokens removes every token that holds no longer at the moment now.
func (s *Store) DeleteExpiredTokens(ctx context.Context, now time.Time) error {
	if _, err := s.writer.ExecContext(ctx, `DELETE FROM tokens WHERE expires_at <= ?`, micros(now)); err != nil {
		return fmt.Errorf("delete expired tokens: %w", err)
	}
	return nil
}
