package router

import (
	"net/http"
	"reflect"
	"strings"

	"berth/router/openapi"
)

// list is the list as JSON has it: one that is empty is no null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// contract is what a row of the API takes and answers, as the API's document says it. It is
// empty for pages.
type contract struct {
	does  string          // in a few words
	query []openapi.Query // parameters beside those of the path; none of them is required
	in    openapi.Body    // the zero Body is none
	out   []openapi.Answer

	versioned bool    // the answer has an ETag
	edits     handler // shows what the row changes, whose ETag a request may name; nil: none
}

// takes is a body that is a JSON object of the type.
func takes[T any]() openapi.Body { return openapi.JSON[T]() }

// mayTake is takes, for what works without a body too.
func mayTake[T any]() openapi.Body {
	body := openapi.JSON[T]()
	body.Optional = true
	return body
}

// gives is an answer that is a JSON object of the type.
func gives[T any](status int) []openapi.Answer { return answers(status, openapi.JSON[T]()) }

// sends is an answer of another media type.
func sends(media string) []openapi.Answer { return answers(http.StatusOK, openapi.Plain(media)) }

// empty is an answer without a body.
func empty(status int) []openapi.Answer { return []openapi.Answer{{Status: status}} }

func answers(status int, body openapi.Body) []openapi.Answer {
	return []openapi.Answer{{Status: status, Body: body}}
}

// or is one of two answers.
func or(first, second []openapi.Answer) []openapi.Answer { return append(first, second...) }

// archiveForm is the form of an archive. A new app needs a name and a route.
func archiveForm(isNew bool) openapi.Body {
	parts := []openapi.Part{{Name: fieldName, Required: isNew}, {Name: fieldRoute, Required: isNew}}
	names := []string{fieldImage, fieldDockerfile, fieldComposeText, fieldDockerfileText, fieldExample, fieldVariables, fieldPlainVariables, fieldCheck}
	names = append(names, settingsFields...)
	if isNew {
		names = append(append(names, newAppFields...), fieldArrival)
	}
	for _, name := range append(names, listFields...) {
		parts = append(parts, openapi.Part{Name: name})
	}
	if !isNew {
		parts = append(parts, openapi.Part{Name: fieldBase})
	}
	return openapi.Form(append(parts, openapi.Part{Name: fieldArchive, File: true})...)
}

// parameters are those beside the path, with the version that the request is about.
func (c contract) parameters() []openapi.Query {
	if c.edits == nil {
		return c.query
	}
	return append([]openapi.Query{{Name: versionHeader, Header: true, Text: "The ETag of what was seen. Where it was changed since, the answer is 412."}}, c.query...)
}

// isAPI reports whether the API's document has the row.
func (r route) isAPI() bool { return strings.HasPrefix(r.path, apiRoot) }

// apiRoot is where the API is.
const apiRoot = "/api/v1/"

// failures are the statuses of the problems that the row may answer with.
func (r route) failures() []int {
	all := []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusInsufficientStorage,
	}
	if r.method != get || r.api.query != nil {
		all = append(all, http.StatusUnprocessableEntity)
	}
	if r.api.edits != nil {
		all = append(all, http.StatusPreconditionFailed)
	}
	if r.method != get {
		all = append(all, http.StatusConflict, http.StatusRequestEntityTooLarge)
	}
	return all
}

// apiDocument is the document of the API, made of the table.
func (a *admin) apiDocument() *openapi.Document {
	var operations []openapi.Operation
	for _, r := range a.apiRoutes() {
		operations = append(operations, openapi.Operation{
			Method: r.method, Path: r.path, Scope: string(r.access.scope), Summary: r.api.does,
			Query: r.api.parameters(), Versioned: r.api.versioned, In: r.api.in, Out: r.api.out, Errors: r.failures(),
		})
	}
	return openapi.Write(openapi.Info{
		Title: "Berth", Version: "1",
		Description: "The API of Berth. Send a token as \"Authorization: Bearer TOKEN\". A refusal is a problem (RFC 9457) with a hint, and with the field that is wrong.",
	}, reflect.TypeFor[problemDetails](), operations)
}
