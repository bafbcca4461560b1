package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// letter is a notice as a mail program shows it.
type letter struct {
	to, subject, text string
}

// mail reads the notices of a call from the mail folder, by recipient.
func (i *installation) mail(callID string) []letter {
	i.t.Helper()
	paths, err := filepath.Glob(filepath.Join(i.dir, "mail", callID+"_*.eml"))
	if err != nil {
		i.t.Fatal("look into the mail folder: ", err)
	}
	var letters []letter
	for _, path := range paths {
		one, err := readLetter(path)
		if err != nil {
			i.t.Fatalf("read %s: %v", path, err)
		}
		letters = append(letters, one)
	}
	slices.SortFunc(letters, func(a, b letter) int { return strings.Compare(a.to, b.to) })
	return letters
}

func readLetter(path string) (letter, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return letter{}, fmt.Errorf("open notice: %w", err)
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return letter{}, fmt.Errorf("read headers: %w", err)
	}
	to, err := mail.ParseAddress(message.Header.Get("To"))
	if err != nil {
		return letter{}, fmt.Errorf("read recipient: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return letter{}, fmt.Errorf("read subject: %w", err)
	}
	text, err := plainText(message)
	return letter{to: to.Address, subject: subject, text: text}, err
}

// plainText is the part of a message for readers who show no HTML.
func plainText(message *mail.Message) (string, error) {
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return "", fmt.Errorf("read content type: %w", err)
	}
	for parts := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err != nil {
			return "", errors.Join(errors.New("find the plain text"), err)
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			continue
		}
		text, err := io.ReadAll(part) // quoted-printable is decoded on the way
		if err != nil {
			return "", fmt.Errorf("read text: %w", err)
		}
		return string(text), nil
	}
}
