# Reads the .trx files of test runs. Sourced by goldens.sh and .ci/run; needs only bash, grep, sed and awk.

# One line "OUTCOME<tab>NAME" for each result in the .trx files below a folder.
trx_rows() {
  find "$1" -name '*.trx' -exec cat {} + |
    grep -o '<UnitTestResult testName="[^"]*" outcome="[A-Za-z]*"' |
    sed -e 's/^<UnitTestResult testName="\(.*\)" outcome="\([A-Za-z]*\)"$/\2\t\1/'
}

# "N passed, N failed, N skipped" over the .trx files below a folder; fails where a test failed or none passed.
trx_summary() {
  trx_rows "$1" | awk -F '\t' '
    $1 == "Passed" { passed++; next }
    $1 == "NotExecuted" { skipped++; next }
    { failed++ }
    END {
      printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
      exit failed > 0 || passed == 0
    }'
}

# Each failed test of the .trx files below a folder, by name and with the beginning of what it said.
trx_failures() {
  find "$1" -name '*.trx' -exec cat {} + | tr '\n' ' ' | sed -e 's/<UnitTestResult /\n&/g' |
    sed -n -e '/outcome="Failed"/ s/^<UnitTestResult testName="\([^"]*\)".*<Message>\(.*\)<\/Message>.*$/failed test: \1: \2/p' | cut -c 1-1500
}
