# What Net-SNMP's agent cannot tell of this machine by itself, read from the kernel for each question. It speaks
# pass_persist (snmpd.conf(5)) and is told what to serve:
#
#   lag PORT...           IEEE8023-LAG-MIB: the ports of each LAG that are attached to it
#   bridge NAME           BRIDGE-MIB: the ports of a bridge and the stations learned on them
#   octets PORT OFFSETS   IF-MIB: ifInOctets and ifOutOctets, with OFFSETS (received:sent) added to those of PORT
use strict;
use warnings;

$| = 1;
my ($what, @of) = @ARGV;

sub line {
    my ($path) = @_;
    open(my $file, '<', $path) or return;
    my $text = <$file>;
    chomp $text if defined $text;
    return $text;
}

sub net { return line("/sys/class/net/$_[0]/$_[1]") }

# A port without a carrier is attached to nothing, as LACP has it.
sub lag {
    my %value;
    for my $lag (@of) {
        for my $path (glob "/sys/class/net/$lag/brif/*") {
            my ($port) = $path =~ m{([^/]+)$};
            my $aggregate = net($port, 'carrier') ? net($lag, 'ifindex') : 0;
            $value{'.1.2.840.10006.300.43.1.2.1.1.13.' . net($port, 'ifindex')} = ['integer', $aggregate];
        }
    }
    return \%value;
}

sub bridge {
    my ($name) = @of;
    my $base = '.1.3.6.1.2.1.17';
    my %value = ("$base.1.1.0" => ['octet', join ' ', map { uc } split /:/, net($name, 'address')]);
    for my $path (glob "/sys/class/net/$name/brif/*") {
        my ($port) = $path =~ m{([^/]+)$};
        my $number = hex line("$path/port_no");
        $value{"$base.1.4.1.1.$number"} = ['integer', $number];
        $value{"$base.1.4.1.2.$number"} = ['integer', net($port, 'ifindex')];
    }
    open(my $file, '<:raw', "/sys/class/net/$name/brforward") or return \%value;
    while (read($file, my $entry, 16) == 16) { # struct __fdb_entry
        my (@mac) = unpack 'C6', $entry;
        my ($number, $own) = unpack 'x6 CC', $entry;
        my $index = join '.', @mac;
        $value{"$base.4.3.1.1.$index"} = ['octet', sprintf '%02X %02X %02X %02X %02X %02X', @mac];
        $value{"$base.4.3.1.2.$index"} = ['integer', $number];
        $value{"$base.4.3.1.3.$index"} = ['integer', $own ? 4 : 3]; # self, learned
    }
    return \%value;
}

sub octets {
    my ($old, $offsets) = @of;
    my ($received, $sent) = split /:/, $offsets;
    my %value;
    for my $path (glob '/sys/class/net/*/ifindex') {
        my ($port) = $path =~ m{([^/]+)/ifindex$};
        my $index = line($path);
        my ($in, $out) = $port eq $old ? ($received, $sent) : (0, 0);
        $value{".1.3.6.1.2.1.2.2.1.10.$index"} = ['counter', (net($port, 'statistics/rx_bytes') + $in) % 2**32];
        $value{".1.3.6.1.2.1.2.2.1.16.$index"} = ['counter', (net($port, 'statistics/tx_bytes') + $out) % 2**32];
    }
    return \%value;
}

sub compare {
    my @a = split /\./, $_[0];
    my @b = split /\./, $_[1];
    for my $i (0 .. ($#a < $#b ? $#a : $#b)) {
        my $order = ($a[$i] || 0) <=> ($b[$i] || 0);
        return $order if $order;
    }
    return @a <=> @b;
}

my %tables = (lag => \&lag, bridge => \&bridge, octets => \&octets);
my $table = $tables{$what} or die "nothing is called $what\n";

while (defined(my $command = <STDIN>)) {
    chomp $command;
    if ($command eq '') { exit 0 }
    if ($command eq 'PING') { print "PONG\n"; next }
    my $oid = <STDIN>;
    exit 0 if !defined $oid;
    chomp $oid;
    my $value = $table->();
    if ($command eq 'getnext') {
        ($oid) = grep { compare($_, $oid) > 0 } sort { compare($a, $b) } keys %$value;
    }
    if (!defined $oid || !$value->{$oid}) { print "NONE\n"; next }
    print "$oid\n$value->{$oid}[0]\n$value->{$oid}[1]\n";
}
