#!/bin/busybox sh
# The first process of an emulated machine: runs each line of /commands, and writes the reports to the console.
# Lines that begin with @ are for the host: @kernel RELEASE, @report NUMBER JSON, @status NUMBER STATUS TEXT,
# @left NUMBER NAMES, @end.
export PATH=/programs:/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp /results
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts /dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t devpts -o ptmxmode=0666 devpts /dev/pts
mount -t mqueue mqueue /dev/mqueue
ln -s /proc/self/fd /dev/fd
ip link set lo up
echo "@kernel $(uname -rm)"

# The variables WORKERS, OPTIONS and ECHOSPEC_TIMEOUT_SCALE come from the command line of the kernel.
mkfifo /results/finished
exec 3<>/results/finished
set -f

# check NUMBER LINE
check() {
	mkdir /tmp/$1
	cd /tmp/$1
	TMPDIR=/tmp/$1 ${2%% -- *} $OPTIONS --json /results/$1 -- ${2#* -- } </dev/null >/results/$1.out 2>&1
	echo "$1 $?" >&3
}

# work REMAINDER
work() {
	number=0
	while read -r line; do
		[ $((number % WORKERS)) != $1 ] || check $number "$line"
		number=$((number + 1))
	done </commands
}

worker=0
while [ $worker != $WORKERS ]; do
	work $worker &
	worker=$((worker + 1))
done

left=$(wc -l </commands)
while [ $left != 0 ]; do
	read -r number status <&3
	if [ -s /results/$number ]; then
		echo "@report $number $(tr -d '\n' </results/$number)"
	else
		echo "@status $number $status $(tail -c 2000 /results/$number.out | tr '\n' ' ')"
	fi
	names=$(ls -A /tmp/$number | tr '\n' ' ')
	[ -z "$names" ] || echo "@left $number $names"
	left=$((left - 1))
done
echo @end
poweroff -f
