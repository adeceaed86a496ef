for n in 'ünïcödé' '日本語ファイル' 'Ελληνικά' '😀😀' ' leading' 'trailing ' 'a b  c' 'tab	tab' $'new\nline' 'quo"te' "apo'strophe" 'back\slash' '*?[]' '-dash' '...' '.hidden' 'percent%s%n' 'semi;colon' $'\xff\xfe invalid utf8'; do
  echo "content of $n" > "./$n"; cat "./$n" | od -An -c | tail -1; done
ls -A | wc -l; find . -type f -print0 | sort -z | sha256sum
long=$(printf 'n%.0s' $(seq 255)); echo x > "$long"; cat "$long"; mv "$long" "${long:1}m"; ls -A | wc -l; mkdir "$long"; rmdir "$long"
try touch "${long}x"
try mkdir "${long}x"
try cat "${long}x"
u=$(printf 'é%.0s' $(seq 127)); echo y > "$u"; cat "$u"
mkdir 'дир'; echo z > 'дир/файл'; mv 'дир' 'каталог'; cat 'каталог/файл'
for n in '日本語ファイル' ' leading' '*?[]'; do mv "./$n" "./renamed $n"; cat "./renamed $n"; done
rm -r -- *; rm -r .[!.]* ..?*; ls -A
