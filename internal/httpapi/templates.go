//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"lifeline/internal/emergency"
)

// GetTemplate shows the wording of notices that is in use (S18).
func (s *server) GetTemplate(ctx context.Context, _ GetTemplateRequestObject) (GetTemplateResponseObject, error) {
	wording, err := s.wordingInUse(ctx)
	if err != nil {
		return nil, err
	}
	return GetTemplate200JSONResponse{templateAnswer(wording)}, nil
}

// PutTemplate saves a wording as a new version.
func (s *server) PutTemplate(ctx context.Context, r PutTemplateRequestObject) (PutTemplateResponseObject, error) {
	wording := emergency.Template{Subject: r.Body.Subject, HTML: r.Body.HTML, Text: r.Body.Text}
	saved, err := s.saveWording(ctx, wording, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	return PutTemplate200JSONResponse{templateAnswer(saved)}, nil
}

// ListTemplateVersions shows who saved what when, the latest first.
func (s *server) ListTemplateVersions(ctx context.Context, _ ListTemplateVersionsRequestObject) (ListTemplateVersionsResponseObject, error) {
	saved, err := s.Records.Templates(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(saved, func(a, b emergency.Template) int { return cmp.Compare(b.Version, a.Version) })
	views := ListTemplateVersions200JSONResponse{}
	for _, wording := range saved {
		views = append(views, SavedTemplate{Version: wording.Version, SavedBy: wording.SavedBy, SavedAt: wording.SavedAt.UTC()})
	}
	return views, nil
}

// GetTemplateVersion shows one version.
func (s *server) GetTemplateVersion(ctx context.Context, r GetTemplateVersionRequestObject) (GetTemplateVersionResponseObject, error) {
	wording, err := s.wordingOf(ctx, r.Version)
	if err != nil {
		return nil, err
	}
	return GetTemplateVersion200JSONResponse(templateView(wording)), nil
}

// RestoreTemplate goes back to a version by saving it anew. It is checked like any
// other: the rules may have changed since.
func (s *server) RestoreTemplate(ctx context.Context, r RestoreTemplateRequestObject) (RestoreTemplateResponseObject, error) {
	wording, err := s.wordingOf(ctx, r.Version)
	if err != nil {
		return nil, err
	}
	saved, err := s.saveWording(ctx, wording, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	return RestoreTemplate200JSONResponse{templateAnswer(saved)}, nil
}

// defaultSample is what a preview tells of when nothing else is asked for.
const defaultSample = string(emergency.NoticePlaced)

// PreviewTemplate shows a notice as a reader would see it.
func (s *server) PreviewTemplate(ctx context.Context, r PreviewTemplateRequestObject) (PreviewTemplateResponseObject, error) {
	notice, known := s.Templates.Sample(cmp.Or(r.Body.Sample, defaultSample))
	if !known {
		return nil, invalid("sample", "must be one of "+strings.Join(s.Templates.SampleNames(), ", "))
	}
	notice, err := r.Body.Data.tell(notice)
	if err != nil {
		return nil, err
	}
	wording, err := s.wordingInUse(ctx)
	if err != nil {
		return nil, err
	}
	wording.Subject = cmp.Or(r.Body.Subject, wording.Subject)
	wording.HTML = cmp.Or(r.Body.HTML, wording.HTML)
	wording.Text = cmp.Or(r.Body.Text, wording.Text)
	subject, html, text, err := s.Templates.Preview(wording, notice)
	if err != nil {
		return nil, err
	}
	return PreviewTemplate200JSONResponse{Subject: subject, HTML: html, Text: text}, nil
}

// wordingInUse is the latest that was saved, or that of the program.
func (s *server) wordingInUse(ctx context.Context) (emergency.Template, error) {
	wording, err := s.Records.Template(ctx)
	if err == nil && wording.Version == 0 {
		return s.Templates.Default(), nil
	}
	return wording, err
}

// wordingOf is the version that a path names; zero is that of the program.
func (s *server) wordingOf(ctx context.Context, version string) (emergency.Template, error) {
	number, err := strconv.ParseInt(version, 10, 64)
	switch {
	case err != nil:
		return emergency.Template{}, errNotFound
	case number == 0:
		return s.Templates.Default(), nil
	}
	return s.Records.TemplateVersion(ctx, number)
}

// saveWording keeps nothing that could fail when somebody is in danger (B8).
func (s *server) saveWording(ctx context.Context, wording emergency.Template, ifMatch string) (emergency.Template, error) {
	wording = emergency.Template{Subject: wording.Subject, HTML: wording.HTML, Text: wording.Text}
	if err := s.Templates.Check(wording); err != nil {
		return wording, err
	}
	// What the check took of a busy machine's time is not the database's fault, which has all
	// of its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return s.Records.PutTemplate(ctx, wording, changeBy(ctx, ifMatch))
}

func templateAnswer(wording emergency.Template) TemplateJSONResponse {
	return TemplateJSONResponse{Body: templateView(wording), Headers: TemplateResponseHeaders{ETag: etag(wording.Version)}}
}

func templateView(wording emergency.Template) Template {
	view := Template{
		Version: wording.Version, Subject: wording.Subject, HTML: wording.HTML, Text: wording.Text, SavedBy: wording.SavedBy,
	}
	if !wording.SavedAt.IsZero() {
		view.SavedAt = wording.SavedAt.UTC()
	}
	return view
}
