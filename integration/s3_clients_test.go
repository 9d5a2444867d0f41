package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

// s3client is a program that people use, as Debian has it. Its lines are bash; $B is
// a bucket of its own, and the working directory has the files empty, small, large
// and huge, and the folder tree.
type s3client struct {
	name  string
	setup string // before each line
	lines []string
	// presign prints a URL that has small, whoever asks.
	presign string
}

// clients do what the README promises that they can: make a bucket, put, list, get, get
// a range, copy, sync twice, remove. What must fail is written with "!".
var clients = []s3client{
	{
		name:  "aws",
		setup: `export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=; aws() { command aws --endpoint-url $URL "$@"; }`,
		lines: []string{
			`aws s3 mb s3://$B`,
			`for f in empty small large huge; do aws s3 cp --no-progress $f s3://$B/dir/$f; done`,
			`aws s3 ls s3://$B/dir/ | awk '{print $4, $3}' | diff - <(wc -c empty huge large small | awk '$2 != "total" {print $2, $1}')`,
			`for f in empty small large huge; do aws s3 cp --no-progress s3://$B/dir/$f got; cmp $f got; done`,
			`aws s3api get-object --bucket $B --key dir/large --range bytes=1000000-2999999 got; cmp got <(tail -c +1000001 large | head -c 2000000)`,
			`aws s3 cp --no-progress s3://$B/dir/large s3://$B/copy; aws s3 cp --no-progress s3://$B/copy got; cmp large got`,
			`aws s3 sync --no-progress tree s3://$B/tree | grep -c ^upload: | grep -qx 200`,
			`test -z "$(aws s3 sync --no-progress tree s3://$B/tree)"`,
			`aws s3 sync --no-progress s3://$B/tree back; diff -r tree back`,
			`aws s3 rm --quiet --recursive s3://$B/tree; test -z "$(aws s3 ls s3://$B/tree/)"`,
			`aws s3 rb --force s3://$B; ! aws s3 ls s3://$B`,
		},
		presign: `aws s3 presign s3://$B/dir/small`,
	},
	{
		name: "rclone",
		setup: `export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_C_TYPE=s3 RCLONE_CONFIG_C_PROVIDER=Other RCLONE_CONFIG_C_ENDPOINT=$URL
			export RCLONE_CONFIG_C_ACCESS_KEY_ID=$KEY RCLONE_CONFIG_C_SECRET_ACCESS_KEY=$SECRET RCLONE_CONFIG_C_UPLOAD_CUTOFF=16M`,
		lines: []string{
			`rclone mkdir c:$B`,
			`for f in empty small large huge; do rclone copyto $f c:$B/dir/$f; done`,
			`rclone lsf --format ps --separator ' ' c:$B/dir | diff - <(wc -c empty huge large small | awk '$2 != "total" {print $2, $1}')`,
			`for f in empty small large huge; do rclone cat c:$B/dir/$f | cmp $f -; done`,
			`rclone cat --offset 1000000 --count 2000000 c:$B/dir/large | cmp - <(tail -c +1000001 large | head -c 2000000)`,
			`rclone copyto c:$B/dir/large c:$B/copy; rclone cat c:$B/copy | cmp large -`,
			`rclone moveto c:$B/copy c:$B/moved; rclone cat c:$B/moved | cmp large -; ! rclone cat c:$B/copy 2>&1 | grep .`,
			`rclone sync -v tree c:$B/tree 2>&1 | grep -c ': Copied' | grep -qx 200`,
			`! rclone sync -v tree c:$B/tree 2>&1 | grep ': Copied'`,
			`rclone check --download tree c:$B/tree; rclone sync c:$B/tree back; diff -r tree back`,
			`rclone purge c:$B/tree; test -z "$(rclone lsf c:$B/tree 2>&1 | grep -v 'not found')"`,
			`rclone purge c:$B; ! rclone lsf c: | grep $B`,
		},
		presign: `rclone link --expire 10m c:$B/dir/small`,
	},
	s3cmd("s3cmd", ""),
	s3cmd("s3cmd-v2", "--signature-v2"),
	{
		name:  "restic",
		setup: `export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET RESTIC_PASSWORD=secret; restic() { command restic -q -r s3:$URL/$B/backups "$@"; }`,
		lines: []string{
			`restic init`,
			`restic backup tree large`,
			`rm tree/dir1/file1; restic backup tree large`,
			`test "$(restic snapshots --json | grep -o '"short_id"' | wc -l)" = 2`,
			`restic check --read-data`,
			`restic restore latest --target back; diff -r tree back/tree; cmp large back/large`,
			`restic forget --keep-last 1 --prune; restic check --read-data`,
		},
	},
}

// s3cmd is s3cmd with one of the two signatures that it knows.
func s3cmd(name, flag string) s3client {
	return s3client{
		name: name,
		setup: `s3cmd() { command s3cmd --config=/dev/null --access_key=$KEY --secret_key=$SECRET --host=${URL#http://} \
			--host-bucket=${URL#http://} --no-ssl --no-progress ` + flag + ` "$@"; }`,
		lines: []string{
			`s3cmd mb s3://$B`,
			`s3cmd put empty small large huge s3://$B/dir/`,
			`s3cmd ls s3://$B/dir/ | awk '{print $4, $3}' | diff - <(wc -c empty huge large small | awk -v b=s3://$B/dir/ '$2 != "total" {print b $2, $1}')`,
			`for f in empty small large huge; do s3cmd get --force s3://$B/dir/$f got; cmp $f got; done`,
			`head -c 1000000 large > got; s3cmd get --continue s3://$B/dir/large got; cmp large got`,
			`s3cmd cp s3://$B/dir/large s3://$B/copy; s3cmd get --force s3://$B/copy got; cmp large got`,
			`s3cmd mv s3://$B/copy s3://$B/moved; ! s3cmd info s3://$B/copy; s3cmd info s3://$B/moved | grep 'File size: 20971520'`,
			`s3cmd sync tree/ s3://$B/tree/ | grep -c ^upload: | grep -qx 200`,
			`! s3cmd sync tree/ s3://$B/tree/ | grep ^upload:`,
			`mkdir -p back; s3cmd sync s3://$B/tree/ back/; diff -r tree back`,
			`s3cmd del --recursive --force s3://$B/tree/; test -z "$(s3cmd ls s3://$B/tree/)"`,
			`s3cmd del --recursive --force s3://$B; s3cmd rb s3://$B; ! s3cmd ls s3://$B`,
		},
		presign: `s3cmd signurl s3://$B/dir/small +600`,
	}
}

// presignAfter is after so many lines: then there is something to fetch.
const presignAfter = 2

func TestClients(t *testing.T) {
	files := clientFiles(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			e := testenv.New(t)
			g := e.Gateway()
			dir := filepath.Join(e.Dir, "files")
			e.Sh(e.Dir, `cp -al "$1" files`, files)
			run := func(line string) string { return e.Sh(dir, c.preamble(g)+line) }
			for i, line := range c.lines {
				run(line)
				if i+1 == presignAfter && c.presign != "" {
					checkPresigned(t, run(c.presign), pattern(1<<10, 1<<10))
				}
			}
		})
	}
}

// clientFiles makes the directory that all clients begin with.
func clientFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, size := range map[string]int{"empty": 0, "small": 1 << 10, "large": 20 << 20, "huge": multipart} {
		write(t, filepath.Join(dir, name), pattern(size, size))
	}
	for d := range 10 {
		sub := filepath.Join(dir, "tree", fmt.Sprintf("dir%d", d))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		for f := range 20 {
			write(t, filepath.Join(sub, fmt.Sprintf("file%d", f)), pattern(d*20+f, f*700))
		}
	}
	return dir
}

// preamble comes before each line. The clients are those of the system, whatever else
// is in the path.
func (c s3client) preamble(g *testenv.Gateway) string {
	return fmt.Sprintf("export PATH=/usr/bin:/bin URL=%s KEY=%s SECRET=%s B=bucket-of-%s\n%s\n",
		g.Endpoint, testenv.AccessKey, testenv.SecretKey, c.name, c.setup)
}

func checkPresigned(t *testing.T, url string, want []byte) {
	t.Helper()
	if got := fetch(t, http.DefaultClient, strings.TrimSpace(url)); !bytes.Equal(got, want) {
		t.Errorf("%s gives %d other bytes", url, len(got))
	}
}
