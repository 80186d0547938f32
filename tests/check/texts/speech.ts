@univariate false
@dimensions 2
@classLabel true ann bob
@data
1,2,3:4,5,6:ann
7:8:bob
