// Resolves and installs apk packages into memory, with nothing but what a cache has.
// Arguments: CACHE KEY-URL REPOSITORY-URL ARCHITECTURE PACKAGE...
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"chainguard.dev/apko/pkg/apk/apk"
	apkfs "chainguard.dev/apko/pkg/apk/fs"
)

func main() {
	log.SetFlags(0)
	if err := install(context.Background(), os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func install(ctx context.Context, arguments []string) error {
	cache, key, repository, arch, packages := arguments[0], arguments[1], arguments[2], arguments[3], arguments[4:]
	files := apkfs.NewMemFS()
	offline := true
	tool, err := apk.New(ctx, apk.WithFS(files), apk.WithArch(arch), apk.WithIgnoreMknodErrors(true),
		apk.WithCache(cache, offline, apk.NewCache(true)))
	if err != nil {
		return err
	}
	if err := tool.InitDB(ctx, repository); err != nil {
		return err
	}
	if err := tool.InitKeyring(ctx, []string{key}, nil); err != nil {
		return err
	}
	if err := tool.SetRepositories(ctx, []string{repository}); err != nil {
		return err
	}
	if err := tool.SetWorld(ctx, packages); err != nil {
		return err
	}
	if _, err := tool.ResolveAndCalculateWorld(ctx); err != nil {
		return err
	}
	epoch := time.Unix(0, 0)
	if _, err := tool.FixateWorld(ctx, &epoch); err != nil {
		return err
	}
	installed, err := tool.GetInstalled()
	if err != nil {
		return err
	}
	for _, one := range installed {
		text, err := files.ReadFile("usr/share/" + one.Name + ".txt")
		if err != nil {
			return err
		}
		fmt.Printf("%s %s: %s", one.Name, one.Version, text)
	}
	return nil
}
