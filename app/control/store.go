package control

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"github.com/nocturne-noc/nocturne/store"
)

// Where the data folder's own tools are asked for, by POST. Backup takes "to", an absolute path.
const (
	StoreCheckPath   = "/api/nocturne/store/check"
	StoreCompactPath = "/api/nocturne/store/compact"
	StoreBackupPath  = "/api/nocturne/store/backup"
)

// Maintainer looks after a data folder that is in use; *store.Store is one.
type Maintainer interface {
	Check(ctx context.Context, progress store.Progress) (*store.CheckReport, error)
	Compact(ctx context.Context, progress store.Progress) (*store.CompactReport, error)
	Backup(ctx context.Context, to string, progress store.Progress) (*store.BackupReport, error)
}

// maintain adds the endpoints to those that change something: they read or write all of a disk.
func (a *api) maintain(mux *http.ServeMux) {
	for path, f := range map[string]apiFunc{
		StoreCheckPath:   func(r *http.Request) (any, error) { return a.Store.Check(r.Context(), unwatched) },
		StoreCompactPath: func(r *http.Request) (any, error) { return a.Store.Compact(r.Context(), unwatched) },
		StoreBackupPath: func(r *http.Request) (any, error) {
			to := r.FormValue("to")
			if !filepath.IsAbs(to) {
				return nil, badData("parameter to: want the absolute path of the folder to copy to")
			}
			return a.Store.Backup(r.Context(), to, unwatched)
		},
	} {
		mux.Handle("POST "+path, limit(a.handle(func(r *http.Request) (any, error) {
			if a.Store == nil {
				return nil, &apiError{sortUnavailable, errors.New("the data folder is looked after by a running wallboard, or by the command itself")}
			}
			return f(r)
		}), recordTimeout))
	}
}

// unwatched is the progress of what is done for another process, which sees the result alone.
func unwatched(string) {}
