package problem

// Internal says that the fault is Berth's.
func Internal(message, hint string) *Problem { return made(KindInternal, message, hint) }

// Invalid says that the input cannot be accepted as it is.
func Invalid(message, hint string) *Problem { return made(KindInvalid, message, hint) }

// Unauthorized says that nobody is signed in, or that the token is not valid.
func Unauthorized(message, hint string) *Problem { return made(KindUnauthorized, message, hint) }

// Forbidden says that a person is signed in, but not allowed.
func Forbidden(message, hint string) *Problem { return made(KindForbidden, message, hint) }

// NotFound says that the thing does not exist.
func NotFound(message, hint string) *Problem { return made(KindNotFound, message, hint) }

// Conflict says that the input is fine, but the present state forbids it.
func Conflict(message, hint string) *Problem { return made(KindConflict, message, hint) }

// Stale says that what the caller saw was changed since by somebody else.
func Stale(message, hint string) *Problem { return made(KindStale, message, hint) }

// TooLarge says that more bytes came than the limit allows.
func TooLarge(message, hint string) *Problem { return made(KindTooLarge, message, hint) }

// Limited says that too many requests came.
func Limited(message, hint string) *Problem { return made(KindLimited, message, hint) }

// Unavailable says that the engine or the proxy does not answer.
func Unavailable(message, hint string) *Problem { return made(KindUnavailable, message, hint) }

// Full says that the disk has no room.
func Full(message, hint string) *Problem { return made(KindFull, message, hint) }

// Malformed says that an address or an id is impossible: no person typed it.
func Malformed(message, hint string) *Problem { return made(KindMalformed, message, hint) }

func made(kind Kind, message, hint string) *Problem {
	return &Problem{Kind: kind, Message: message, Hint: hint}
}

// At names the form field of the problem.
func (p *Problem) At(field string) *Problem {
	p.Field = field
	return p
}

// Because keeps the cause, for the log only. The cause may be nil.
func (p *Problem) Because(err error) *Problem {
	p.Err = err
	return p
}
