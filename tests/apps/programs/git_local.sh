# SPDX-License-Identifier: BSD-3-Clause
# git: a repository, a clone, a merge, a push, gc and fsck.
d=$(mktemp -d) || exit
export HOME=$d GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
mkdir $d/g && cd $d/g && git init -q -b main . && seq 1000 > f && mkdir d && echo x > d/y && git add . && git commit -q -m one && git rev-parse HEAD
echo more >> f; git diff --stat; git commit -qam two; git log --oneline | cat
git clone -q $d/g $d/h; cd $d/h; git log --format=%H; git gc -q; git fsck; git checkout -q -b br HEAD~1; echo z > z; git add z; git commit -qm three; git merge -q main -m merged; git log --oneline | wc -l; git push -q origin br; cd ../g; git branch
rm -rf $d
